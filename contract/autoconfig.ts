/** Autoconfiguration: finding the mail servers of an address, with each query, and the settings found, best first. */
import { z } from 'zod'
import { endpoint } from './endpoint.ts'
import { line, Timestamp, wholeOr } from './wire.ts'

export const DiscoverySource = z
  .enum(['shipped', 'autoconfig', 'well_known', 'pacc', 'autodiscover', 'srv', 'mx', 'guess'])
  .describe(
    '`shipped`: data of this server about large providers; `autoconfig`, `well_known`, `pacc`, `autodiscover`: documents of the domain, over https; ' +
      '`srv`: DNS records (RFC 6186, RFC 8314), without DNSSEC; `mx`: the provider that receives mail for the domain; `guess`: usual names that respond as mail servers',
  )
export type DiscoverySource = z.infer<typeof DiscoverySource>

export const DiscoveryStep = z
  .object({
    id: z.string(),
    source: DiscoverySource,
    place: z.string().describe('What is queried: a host, or the name of a DNS record'),
    state: z
      .enum(['pending', 'found', 'nothing', 'failed', 'skipped'])
      .describe('`failed`: no usable answer, or a rejected one; `skipped`: not queried, since it was not needed'),
    words: z.string().describe('The result, for people'),
    duration_ms: z.int().nullable(),
  })
  .meta({ id: 'DiscoveryStep' })
export type DiscoveryStep = z.infer<typeof DiscoveryStep>

const DiscoveredServer = z
  .object({
    host: z.string(),
    port: z.int().min(1).max(65535),
    tls: z.enum(['implicit', 'starttls']).describe('Settings without encryption are not offered'),
    user: z.string().describe('User name for the login'),
    auth: z
      .array(z.enum(['password', 'oauth2']))
      .describe('Login methods stated by the source; only `password` if it states none'),
  })
  .meta({ id: 'DiscoveredServer' })
export type DiscoveredServer = z.infer<typeof DiscoveredServer>

export const DiscoveredSettings = z
  .object({
    id: z.string(),
    source: DiscoverySource,
    provider: z.string().nullable().describe('Name of a provider in the shipped data'),
    imap: DiscoveredServer,
    smtp: DiscoveredServer.nullable(),
    user_form: z
      .enum(['address', 'local_part', 'other'])
      .describe('Whether the IMAP user is the whole address, or what stands in front of the @'),
    takes_passwords: z.boolean().describe('False: the provider requires OAuth'),
    oauth_issuer: z.string().nullable().describe('https URL of the authorization server, if one is named'),
    is_elsewhere: z
      .boolean()
      .describe(
        'Only DNS names this server, and the IMAP host is outside the domain: check it before you enter a password',
      ),
    note: z.string().nullable().describe('What users of the provider must do first'),
    documentation_url: z.string().nullable(),
    confirmed_by: z.array(DiscoverySource).describe('Other sources that name the same servers'),
  })
  .meta({ id: 'DiscoveredSettings' })
export type DiscoveredSettings = z.infer<typeof DiscoveredSettings>

export const Discovery = z
  .object({
    id: z.string(),
    email: z.string(),
    domain: z.string().describe('The domain in ASCII form'),
    state: z.enum(['running', 'finished']),
    revision: z.int().describe('Counts changes: pass it as `since` to wait for the next one'),
    steps: z.array(DiscoveryStep),
    candidates: z.array(DiscoveredSettings).describe('Best first; a better one may be added while the discovery runs'),
    started_at: Timestamp,
    first_found_ms: z.int().nullable(),
    duration_ms: z.int().nullable(),
  })
  .meta({ id: 'Discovery' })
export type Discovery = z.infer<typeof Discovery>

/** Maximum seconds that a request long-polls for the next change. */
export const mostWaitSeconds = 10

const path = '/api/dashboard/discoveries'
const tag = 'Accounts'

export const autoconfigApi = {
  startDiscovery: endpoint({
    method: 'POST',
    path,
    tag,
    summary: 'Find the mail servers of an address (autoconfiguration)',
    description:
      'Responds immediately with what is known without queries; the rest follows by `getDiscovery`. Queries the name servers and the domain of the address, ' +
      'unless its provider is known; never logs in anywhere. It ends within 6 seconds and is kept for 10 minutes. Not for tokens that see only some accounts.',
    limit: 'connect',
    scope: 'dashboard:admin',
    effect: 'write',
    body: z.strictObject({ email: line.trim().min(3).max(320) }),
    response: Discovery,
    status: 201,
    problems: ['beyond_own_rights', 'overloaded'],
  }),
  getDiscovery: endpoint({
    method: 'GET',
    path: `${path}/{discovery_id}`,
    tag,
    summary: 'Get the servers found so far; with `wait`, long-polls for a revision later than `since`',
    description: 'Only for the caller that started the discovery.',
    scope: 'dashboard:admin',
    effect: 'read',
    params: z.object({ discovery_id: z.string().regex(/^d[0-9a-f]{16}$/, 'is not the id of a discovery') }),
    query: z.strictObject({
      since: wholeOr(0, 0, 1_000_000).describe('The latest `revision` known to the caller'),
      wait: wholeOr(0, 0, mostWaitSeconds).describe('Seconds to wait for a later revision, while the discovery runs'),
    }),
    response: Discovery,
    problems: ['beyond_own_rights', 'not_found'],
  }),
}

/** Finding the mail servers of an address: each place that is asked, and the settings that were found, best first. */
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
    place: z.string().describe('What is asked: a host, or the name of a record'),
    state: z
      .enum(['pending', 'found', 'nothing', 'failed', 'skipped'])
      .describe(
        '`failed`: it gave no usable answer, or one that is refused; `skipped`: not asked, since it was not needed',
      ),
    words: z.string().describe('What came of it, for people'),
    duration_ms: z.int().nullable(),
  })
  .meta({ id: 'DiscoveryStep' })
export type DiscoveryStep = z.infer<typeof DiscoveryStep>

const DiscoveredServer = z
  .object({
    host: z.string(),
    port: z.int().min(1).max(65535),
    tls: z.enum(['implicit', 'starttls']).describe('Settings without encryption are not offered'),
    user: z.string().describe('With which name to log in'),
    auth: z
      .array(z.enum(['password', 'oauth2']))
      .describe('Ways to log in, as far as the source says; `password` alone where it does not'),
  })
  .meta({ id: 'DiscoveredServer' })
export type DiscoveredServer = z.infer<typeof DiscoveredServer>

export const DiscoveredSettings = z
  .object({
    id: z.string(),
    source: DiscoverySource,
    provider: z.string().nullable().describe('Name of a provider that this server knows'),
    imap: DiscoveredServer,
    smtp: DiscoveredServer.nullable(),
    user_form: z
      .enum(['address', 'local_part', 'other'])
      .describe('Whether the IMAP user is the whole address, or what stands in front of the @'),
    takes_passwords: z.boolean().describe('False: the provider requires OAuth'),
    oauth_issuer: z.string().nullable().describe('https URL of the authorization server, where one is named'),
    is_elsewhere: z
      .boolean()
      .describe('Only DNS says so, and the IMAP host is not within the domain: check it before you enter a password'),
    note: z.string().nullable().describe('What users of the provider have to do first'),
    documentation_url: z.string().nullable(),
    confirmed_by: z.array(DiscoverySource).describe('Other sources that name the same servers'),
  })
  .meta({ id: 'DiscoveredSettings' })
export type DiscoveredSettings = z.infer<typeof DiscoveredSettings>

export const Discovery = z
  .object({
    id: z.string(),
    email: z.string(),
    domain: z.string().describe('In its ASCII form'),
    state: z.enum(['running', 'finished']),
    revision: z.int().describe('Counts changes: give it as `since` to wait for the next one'),
    steps: z.array(DiscoveryStep),
    candidates: z.array(DiscoveredSettings).describe('Best first; a better one may come while it is running'),
    started_at: Timestamp,
    first_found_ms: z.int().nullable(),
    duration_ms: z.int().nullable(),
  })
  .meta({ id: 'Discovery' })
export type Discovery = z.infer<typeof Discovery>

/** The longest that a request waits for the next change. */
export const mostWaitSeconds = 10

const path = '/api/dashboard/discoveries'
const tag = 'Accounts'

export const autoconfigApi = {
  startDiscovery: endpoint({
    method: 'POST',
    path,
    tag,
    summary: 'Look for the mail servers of an address',
    description:
      'Answers at once with what this server knows by itself; the rest comes by `getDiscovery`. Asks the name servers and the domain of the address, ' +
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
    summary: 'Get what was found so far; with `wait`, once there is more than in `since`',
    description: 'Only for the caller that started it.',
    scope: 'dashboard:admin',
    effect: 'read',
    params: z.object({ discovery_id: z.string().regex(/^d[0-9a-f]{16}$/, 'is not the id of a discovery') }),
    query: z.strictObject({
      since: wholeOr(0, 0, 1_000_000).describe('The `revision` that the caller has'),
      wait: wholeOr(0, 0, mostWaitSeconds).describe('Seconds to wait for a later one, while it is running'),
    }),
    response: Discovery,
    problems: ['beyond_own_rights', 'not_found'],
  }),
}

/** What an administrator may change while the server runs. */
import { z } from 'zod'
import { endpoint } from './endpoint.ts'
import { line, secret, Timestamp } from './wire.ts'

export const ImapConfiguration = z
  .strictObject({
    server_address: z
      .string()
      .trim()
      .toLowerCase()
      .min(1)
      .max(253)
      .regex(/^[A-Za-z0-9.:_-]+$/, 'is not a host name or address')
      .describe('IMAP server of the default account'),
    port: z.int().min(1).max(65535),
    use_ssl: z
      .boolean()
      .describe('TLS from the first byte. When false: STARTTLS, which must succeed; no TLS only to this machine'),
    connection_timeout_seconds: z.int().min(1).max(300),
    max_connections: z
      .int()
      .min(2)
      .max(10_000)
      .describe(
        'IMAP connections of the whole server. Until it is set, it grows with the number of accounts: at least two for each and 20 more, and at most half of the files that the process may open',
      ),
    connection_pool_size: z.int().min(1).max(10).describe('Maximum connections for IMAP commands per account'),
  })
  .meta({ id: 'ImapConfiguration' })
export type ImapConfiguration = z.infer<typeof ImapConfiguration>

/** Limits of the connection pool, for all accounts. */
export type PoolLimits = Pick<
  ImapConfiguration,
  'connection_timeout_seconds' | 'max_connections' | 'connection_pool_size'
>

const ImapConfigurationChange = ImapConfiguration.extend({
  password: secret(line.min(1).max(1024))
    .optional()
    .describe(
      'Password of the mailbox; required when its server changes, since a stored password is sent only to the server it was entered for',
    ),
})
export type ImapConfigurationChange = z.infer<typeof ImapConfigurationChange>

/** Kinds of servers that a private network can be allowed for: mail servers, or the assistant’s model providers. */
export const ServersAllowed = z.enum(['mail', 'models'])
export type ServersAllowed = z.infer<typeof ServersAllowed>

/** A private network in which mail servers or model providers are allowed. */
export const PrivateNetworks = z
  .object({
    configured: z.array(z.string()).describe('From `RUSTYMAIL_PRIVATE_NETWORKS`; can be changed only there'),
    allowed: z.array(
      z.object({
        network: z.string().describe('`192.168.1.10/32`, `fd12:3456::/64`'),
        servers: ServersAllowed,
        allowed_by: z.string().describe('Name of the user who allowed it'),
        allowed_at: Timestamp,
      }),
    ),
  })
  .meta({ id: 'PrivateNetworks' })
export type PrivateNetworks = z.infer<typeof PrivateNetworks>

const network = line.trim().min(2).max(49)

const tag = 'Configuration'
export const settingsApi = {
  getConfig: endpoint({
    method: 'GET',
    path: '/api/dashboard/config',
    tag,
    summary: 'Get the default account’s server and the limits of the connection pool',
    scope: 'dashboard:read',
    effect: 'read',
    response: ImapConfiguration,
    problems: ['no_default_account'],
  }),
  updateConfig: endpoint({
    method: 'PUT',
    path: '/api/dashboard/config',
    tag,
    summary: 'Change the configuration; a changed server is tested before it is saved, and takes effect immediately',
    description: 'Not for tokens that see only some accounts: the limits apply to all.',
    limit: 'connect',
    scope: 'dashboard:admin',
    effect: 'write',
    query: z.strictObject({ verify: z.enum(['true', 'false']).default('true') }),
    body: ImapConfigurationChange.refine(body => body.max_connections >= body.connection_pool_size + 1, {
      path: ['max_connections'],
      message: 'must be at least connection_pool_size + 1: the command connections of one account and its watching one',
    }),
    response: ImapConfiguration,
    problems: [
      'no_default_account',
      'beyond_own_rights',
      'account_disabled',
      'address_refused',
      'mail_login_refused',
      'mail_server_refused',
      'mail_server_tls',
      'mail_server_starttls',
      'mail_server_not_imap',
      'mail_server_unreachable',
      'mail_server_timeout',
    ],
  }),
  listPrivateNetworks: endpoint({
    method: 'GET',
    path: '/api/dashboard/private-networks',
    tag,
    summary: 'List the private networks in which mail servers or model providers are allowed',
    scope: 'dashboard:admin',
    effect: 'read',
    response: PrivateNetworks,
  }),
  allowPrivateNetworks: endpoint({
    callers: 'not_token',
    method: 'POST',
    path: '/api/dashboard/private-networks',
    tag,
    summary: 'Allow private addresses or networks for mail servers, or for model providers; takes effect immediately',
    description:
      'Accounts that were rejected because of it are then connected. Requires a signed-in user or the API key; not available to tokens.',
    limit: 'access',
    scope: 'dashboard:admin',
    effect: 'write',
    body: z.strictObject({
      networks: z.array(network).min(1).max(16).describe('`192.168.1.10`, `192.168.1.0/24`'),
      servers: ServersAllowed.default('mail').describe('Only these addresses are allowed, not the network around them'),
    }),
    response: PrivateNetworks,
    status: 201,
    problems: ['session_needed', 'too_many_networks'],
  }),
  forbidPrivateNetwork: endpoint({
    callers: 'not_token',
    method: 'DELETE',
    path: '/api/dashboard/private-networks/{network}',
    tag,
    summary: 'Remove a private network; connections to it close immediately',
    description: 'Requires a signed-in user or the API key; not available to tokens.',
    limit: 'access',
    scope: 'dashboard:admin',
    effect: 'write',
    params: z.object({ network: network.describe('As it is listed, with `/` as `%2F`') }),
    query: z.strictObject({ servers: ServersAllowed.default('mail') }),
    response: PrivateNetworks,
    problems: ['session_needed', 'network_not_found'],
  }),
}

/** What an administrator may change while the server runs. */
import { z } from 'zod'
import { endpoint } from './endpoint.ts'
import { line, secret } from './wire.ts'

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
      .describe(
        'TLS from the first byte. When false: STARTTLS, which must succeed; no TLS only to this machine itself',
      ),
    connection_timeout_seconds: z.int().min(1).max(300),
    max_connections: z.int().min(2).max(10_000).describe('IMAP connections of the whole server'),
    connection_pool_size: z.int().min(1).max(10).describe('Command connections of one account'),
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
      'Of the mailbox; needed when its server becomes another, since a kept one is sent only where it was given for',
    ),
})
export type ImapConfigurationChange = z.infer<typeof ImapConfigurationChange>

const tag = 'Configuration'
export const settingsApi = {
  getConfig: endpoint({
    method: 'GET',
    path: '/api/dashboard/config',
    tag,
    summary: "The default account's server and the limits of the connection pool",
    scope: 'dashboard:read',
    effect: 'read',
    response: ImapConfiguration,
    problems: ['no_default_account'],
  }),
  updateConfig: endpoint({
    method: 'PUT',
    path: '/api/dashboard/config',
    tag,
    summary: 'Change it; a changed server is tried before it is kept, and takes effect at once',
    description: 'Not for tokens that see only some accounts: the limits hold for all.',
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
      'mail_login_refused',
      'mail_server_refused',
      'mail_server_tls',
      'mail_server_not_imap',
      'mail_server_unreachable',
      'mail_server_timeout',
    ],
  }),
}

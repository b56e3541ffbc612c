/** Problem details (RFC 9457) in responses. Their table is a separate file, since threads that load no schemas need it. */
import { z } from 'zod'

/** Causes of a failed connection to a mail server, distinguished by what a person must fix. */
export const ConnectionFault = z.enum([
  'dns',
  'refused',
  'tls',
  'no_starttls',
  'starttls_refused',
  'login_disabled',
  'plain_port',
  'tls_port',
  'timeout',
  'login',
  'revoked',
  'sign_in_provider',
  'not_imap',
  'closed',
  'limit',
  'flood',
  'no_idle',
  'private_network',
  'forbidden_address',
])
export type ConnectionFault = z.infer<typeof ConnectionFault>

export const ProblemBody = z
  .object({
    type: z.string().describe('`/problems/<code>`'),
    title: z.string(),
    status: z.int(),
    detail: z.string().describe('What went wrong and what to do, for people'),
    instance: z.string().describe('The request id, also in the log and in `X-Request-Id`'),
    code: z.string(),
    errors: z
      .array(
        z.object({
          path: z.string(),
          message: z.string(),
          at: z.int().optional().describe('For a search query: position of the fault, counted from 1'),
        }),
      )
      .optional()
      .describe(
        'For invalid input: each fault with the path of its field, such as `body.imap.port`, `query.limit`, `path.account_id` or `header.idempotency-key`',
      ),
    missing_scope: z.string().optional(),
    cause: ConnectionFault.optional().describe('For mail servers: the cause'),
    part: z.enum(['imap', 'smtp']).optional().describe('For mail servers: IMAP or SMTP'),
    server_response: z.string().optional().describe("The mail server's own words"),
    networks: z
      .array(z.string())
      .optional()
      .describe('For `private_network`: the narrowest network that would have to be allowed'),
    setting: z
      .string()
      .optional()
      .describe(
        'For `private_network`: the line of the environment that allows the network around it, if there is none yet',
      ),
  })
  .meta({ id: 'Problem' })
export type ProblemBody = z.infer<typeof ProblemBody>

/** The closed table of errors that a client may see, answered as RFC 9457 problem details. */
import { z } from 'zod'

export const problems = {
  bad_request: { status: 400, title: 'The request is invalid' },
  unauthorized: { status: 401, title: 'Sign in or send a token' },
  setup_token_invalid: { status: 401, title: 'The set-up link is not valid' },
  sign_in_failed: { status: 401, title: 'Sign-in failed' },
  challenge_invalid: { status: 401, title: 'This step has expired' },
  link_invalid: { status: 401, title: 'This link is not valid' },
  forbidden: { status: 403, title: 'Not allowed' },
  session_needed: { status: 403, title: 'Requires a signed-in user' },
  beyond_own_rights: { status: 403, title: 'Exceeds your own rights' },
  password_wrong: { status: 403, title: 'Wrong password' },
  recent_sign_in_required: { status: 403, title: 'Sign in again first' },
  code_wrong: { status: 403, title: 'Wrong code' },
  origin_not_allowed: { status: 403, title: 'Origin not allowed' },
  frame_only: { status: 403, title: 'May be shown only in a frame of the page' },
  not_found: { status: 404, title: 'Not found' },
  account_not_found: { status: 404, title: 'No such account' },
  folder_not_found: { status: 404, title: 'No such folder' },
  folder_exists: { status: 409, title: 'This folder already exists' },
  folder_not_empty: { status: 409, title: 'The folder is not empty' },
  folder_protected: { status: 409, title: 'This folder is protected' },
  folder_not_selectable: { status: 409, title: 'This folder holds no messages' },
  message_not_found: { status: 404, title: 'No such message' },
  operation_not_found: { status: 404, title: 'No such operation' },
  thread_not_found: { status: 404, title: 'No such thread' },
  client_not_found: { status: 404, title: 'No such client' },
  user_not_found: { status: 404, title: 'No such user' },
  session_not_found: { status: 404, title: 'No such session' },
  token_not_found: { status: 404, title: 'No such token' },
  network_not_found: { status: 404, title: 'No such network' },
  passkey_not_found: { status: 404, title: 'No such passkey' },
  no_default_account: { status: 404, title: 'There is no account yet' },
  method_not_allowed: { status: 405, title: 'Method not allowed' },
  request_timeout: { status: 408, title: 'The request arrived too slowly' },
  account_exists: { status: 409, title: 'This account is already connected' },
  user_exists: { status: 409, title: 'This user already exists' },
  last_administrator: { status: 409, title: 'The last administrator is required' },
  last_way_in: { status: 409, title: 'This is the last way to sign in' },
  setup_done: { status: 409, title: 'An administrator already exists' },
  totp_exists: { status: 409, title: 'An authenticator is already set up' },
  passkeys_need_https: { status: 409, title: 'Passkeys need HTTPS' },
  too_many_users: { status: 409, title: 'Too many users' },
  too_many_networks: { status: 409, title: 'Too many networks' },
  too_many_tokens: { status: 409, title: 'Too many tokens' },
  account_disabled: { status: 409, title: 'The account is disabled' },
  sandbox_running: { status: 409, title: 'The sandbox is already running' },
  stale_ref: { status: 409, title: 'The reference is stale' },
  index_off: { status: 409, title: 'This account is not indexed' },
  cannot_undo: { status: 409, title: 'This cannot be undone' },
  cannot_calculate_changes: { status: 409, title: 'The changes since then are not known' },
  stale_cursor: { status: 409, title: 'The cursor is stale' },
  too_large: { status: 413, title: 'The body is too large' },
  unsupported_media_type: { status: 415, title: 'The body must be JSON' },
  range_not_satisfiable: { status: 416, title: 'Range not satisfiable' },
  host_not_allowed: { status: 421, title: 'Host name not allowed' },
  password_too_common: { status: 422, title: 'The password is too easy to guess' },
  passkey_refused: { status: 422, title: 'The passkey could not be added' },
  address_refused: { status: 422, title: 'Connections to this address are blocked' },
  mail_login_refused: { status: 422, title: 'The mail server rejected the login' },
  mail_server_refused: { status: 422, title: 'The mail server rejected the request' },
  mail_server_tls: { status: 422, title: 'No secure connection to the mail server' },
  mail_server_starttls: { status: 422, title: 'The mail server did not start TLS' },
  mail_server_not_imap: { status: 422, title: 'This is not a mail server' },
  idempotency_key_reused: { status: 422, title: 'This key was used for another request' },
  too_many_operations: { status: 429, title: 'Too many operations are waiting' },
  too_many_streams: { status: 429, title: 'Too many event streams' },
  too_many_requests: { status: 429, title: 'Too many requests' },
  too_many_attempts: { status: 429, title: 'Too many attempts' },
  provider_limited: { status: 429, title: 'The rate limit of the model provider is reached' },
  head_too_large: { status: 431, title: 'The request headers are too large' },
  internal: { status: 500, title: 'Internal error' },
  not_implemented: { status: 501, title: 'Not implemented' },
  mail_server_unreachable: { status: 502, title: 'The mail server cannot be reached' },
  provider_failed: { status: 502, title: 'The model provider failed' },
  sandbox_missing: { status: 503, title: 'The sandbox is not installed' },
  overloaded: { status: 503, title: 'Overloaded' },
  revocation_not_stored: { status: 503, title: 'Revoked, but not stored yet' },
  draining: { status: 503, title: 'Shutting down' },
  no_model_configured: { status: 503, title: 'No model is configured' },
  mail_server_timeout: { status: 504, title: 'The mail server is too slow' },
  provider_timeout: { status: 504, title: 'The model provider is too slow' },
} as const satisfies Record<string, { status: number; title: string }>

export type ProblemCode = keyof typeof problems

/** Why a connection to a mail server failed, told apart so that a person knows what to fix. */
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
          at: z.int().optional().describe('Of a search: the character at which the fault is, counted from 1'),
        }),
      )
      .optional()
      .describe('For invalid input: each fault with the path of its field'),
    missing_scope: z.string().optional(),
    cause: ConnectionFault.optional().describe('For mail servers: why'),
    part: z.enum(['imap', 'smtp']).optional().describe('For mail servers: which of the two'),
    server_response: z.string().optional().describe("The mail server's own words"),
    networks: z
      .array(z.string())
      .optional()
      .describe('For `private_network`: the narrowest network that would have to be allowed'),
    setting: z
      .string()
      .optional()
      .describe(
        'For `private_network`: the line of the environment that allows the network around it, where there is none yet',
      ),
  })
  .meta({ id: 'Problem' })
export type ProblemBody = z.infer<typeof ProblemBody>

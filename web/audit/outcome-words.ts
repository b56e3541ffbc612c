/** The outcome in words: not as the problem says it to the caller, but as one reads it afterwards. */
import type { AuditEntry } from '../../contract/audit.ts'
import type { ProblemCode } from '../../contract/problem.ts'
import type { Tone } from '../ui/tone.ts'

const ofProblems: Record<ProblemCode, string> = {
  bad_request: 'Not valid',
  unauthorized: 'Not signed in',
  setup_token_invalid: 'Set-up link not valid',
  sign_in_failed: 'Signing in failed',
  challenge_invalid: 'Took too long',
  link_invalid: 'Link not valid',
  forbidden: 'Not allowed',
  session_needed: 'Not a signed-in person',
  beyond_own_rights: 'Beyond their own rights',
  password_wrong: 'Wrong password',
  recent_sign_in_required: 'Signed in too long ago',
  code_wrong: 'Wrong code',
  origin_not_allowed: 'From a foreign page',
  frame_only: 'Outside of the page',
  host_not_allowed: 'By a name that is not ours',
  not_found: 'Not found',
  account_not_found: 'No such account',
  folder_not_found: 'No such folder',
  folder_not_selectable: 'Folder holds no messages',
  message_not_found: 'No such message',
  client_not_found: 'No such client',
  user_not_found: 'No such user',
  session_not_found: 'No such session',
  token_not_found: 'No such token',
  passkey_not_found: 'No such passkey',
  network_not_found: 'No such network',
  no_default_account: 'No account yet',
  method_not_allowed: 'No such method here',
  request_timeout: 'Came too slowly',
  account_exists: 'Connected already',
  user_exists: 'User exists already',
  last_administrator: 'Last administrator',
  last_way_in: 'Last way to sign in',
  setup_done: 'Set up already',
  totp_exists: 'Has an authenticator',
  passkeys_need_https: 'Without HTTPS',
  too_many_users: 'Too many users',
  too_many_tokens: 'Too many tokens',
  too_many_networks: 'Too many networks',
  account_disabled: 'Account disabled',
  sandbox_running: 'Sandbox runs already',
  sandbox_missing: 'Sandbox not installed',
  stale_ref: 'Reference out of date',
  stale_cursor: 'Cursor out of date',
  too_large: 'Too large',
  unsupported_media_type: 'Not JSON',
  range_not_satisfiable: 'Asked for bytes past the end',
  password_too_common: 'Password too easy',
  passkey_refused: 'Passkey refused',
  address_refused: 'Address refused',
  mail_login_refused: 'Mail login refused',
  mail_server_refused: 'Mail server refused',
  mail_server_tls: 'No TLS to the mail server',
  mail_server_starttls: 'Mail server does not start TLS',
  mail_server_not_imap: 'Not a mail server',
  too_many_streams: 'Too many streams',
  too_many_requests: 'Too many requests',
  too_many_attempts: 'Too many attempts',
  head_too_large: 'Head too large',
  not_implemented: 'Not implemented',
  internal: 'Fault in RustyMail',
  mail_server_unreachable: 'Mail server not reached',
  provider_limited: 'Model provider took no more questions',
  provider_failed: 'Model provider failed',
  overloaded: 'Too busy',
  revocation_not_stored: 'Revoked, stored later',
  draining: 'Shutting down',
  no_model_configured: 'No model configured',
  mail_server_timeout: 'Mail server too slow',
  provider_timeout: 'Model provider too slow',
}

/** What is no problem of the contract: sign-in through a provider, and the trail itself. */
const others: ReadonlyMap<string, string> = new Map(
  Object.entries({
    ok: 'Done',
    second_factor: 'Second factor asked for',
    changed: 'Had been changed',
    setup_needed: 'Not set up yet',
    unavailable: 'Provider not reached',
    denied: 'Denied at the provider',
    failed: 'Provider not believed',
    expired: 'Took too long',
    not_allowed: 'In no allowed group',
    email_unverified: 'Email not verified',
    email_taken: 'Email of somebody else',
    disabled: 'User disabled',
  }),
)

/** The same refusal in the words of what was tried. */
const ofSignIn: ReadonlyMap<string, string> = new Map(
  Object.entries({
    'access.openSession': 'Wrong password',
    'access.giveSecondFactor': 'Wrong code',
    'access.finishPasskeySignIn': 'Wrong passkey',
  }),
)

type Ended = Pick<AuditEntry, 'operation' | 'outcome' | 'status'>

export function outcomeWords({ operation, outcome, status }: Ended): { tone: Tone; text: string } {
  const text = isProblem(outcome) ? ofProblems[outcome] : (others.get(outcome) ?? outcome)
  if (outcome === 'ok') return { tone: 'good', text }
  if (outcome === 'second_factor') return { tone: 'info', text }
  const tried = outcome === 'sign_in_failed' ? ofSignIn.get(operation) : undefined
  return { tone: status >= 500 ? 'bad' : 'warn', text: tried ?? text }
}

function isProblem(outcome: string): outcome is ProblemCode {
  return Object.hasOwn(ofProblems, outcome)
}

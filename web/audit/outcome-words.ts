/** The outcomes of audit entries, phrased for a later reader rather than for the caller. */
import type { AuditEntry } from '../../contract/audit.ts'
import type { ProblemCode } from '../../contract/problem.ts'
import type { Tone } from '../ui/tone.ts'

const ofProblems: Record<ProblemCode, string> = {
  bad_request: 'Not valid',
  unauthorized: 'Not signed in',
  setup_token_invalid: 'Set-up link not valid',
  sign_in_failed: 'Sign-in failed',
  challenge_invalid: 'Timed out',
  link_invalid: 'Link not valid',
  forbidden: 'Not allowed',
  session_needed: 'Requires a signed-in user',
  beyond_own_rights: 'Exceeds own rights',
  password_wrong: 'Wrong password',
  recent_sign_in_required: 'Sign-in too old',
  passkey_required: 'Not confirmed with a passkey',
  code_wrong: 'Wrong code',
  origin_not_allowed: 'Origin not allowed',
  frame_only: 'Not sent by the page',
  host_not_allowed: 'Host not allowed',
  not_found: 'Not found',
  account_not_found: 'No such account',
  folder_not_found: 'No such folder',
  folder_not_selectable: 'Folder holds no messages',
  folder_exists: 'Folder already exists',
  folder_not_empty: 'Folder is not empty',
  folder_protected: 'Folder is protected',
  message_not_found: 'No such message',
  operation_not_found: 'No such operation',
  thread_not_found: 'No such thread',
  client_not_found: 'No such client',
  user_not_found: 'No such user',
  session_not_found: 'No such session',
  connection_not_found: 'No such connection request',
  token_not_found: 'No such token',
  provider_not_found: 'No such model provider',
  webhook_not_found: 'No such webhook',
  passkey_not_found: 'No such passkey',
  network_not_found: 'No such network',
  no_default_account: 'No account yet',
  method_not_allowed: 'Method not allowed',
  request_timeout: 'Request too slow',
  oauth_client_missing: 'No client id for the provider',
  oauth_failed: 'Sign-in rejected by the provider',
  oauth_grant_not_found: 'No such grant',
  oauth_provider_not_found: 'No such sign-in provider',
  oauth_sign_in_not_found: 'No such sign-in',
  oauth_unreachable: 'Provider of the sign-in not reached',
  account_exists: 'Already connected',
  user_exists: 'User already exists',
  last_administrator: 'Last administrator',
  last_way_in: 'Last way to sign in',
  setup_done: 'Already set up',
  totp_exists: 'Authenticator already set up',
  passkeys_need_https: 'Requires HTTPS',
  push_off: 'Web Push is switched off',
  too_many_users: 'Too many users',
  too_many_tokens: 'Too many tokens',
  too_many_providers: 'Too many model providers',
  too_many_webhooks: 'Too many webhooks',
  too_many_networks: 'Too many networks',
  account_disabled: 'Account disabled',
  sandbox_running: 'Sandbox already running',
  sandbox_missing: 'Sandbox not installed',
  stale_ref: 'Stale reference',
  stale_cursor: 'Stale cursor',
  index_off: 'Not indexed',
  cannot_undo: 'Cannot be undone',
  cannot_calculate_changes: 'Changes not known',
  too_large: 'Too large',
  unsupported_media_type: 'Unsupported media type',
  range_not_satisfiable: 'Range not satisfiable',
  password_too_common: 'Password too weak',
  passkey_refused: 'Passkey rejected',
  address_refused: 'Address blocked',
  mail_login_refused: 'Mail login rejected',
  mail_server_refused: 'Rejected by the mail server',
  mail_server_tls: 'No TLS to the mail server',
  mail_server_starttls: 'STARTTLS failed',
  mail_server_not_imap: 'Not a mail server',
  idempotency_key_reused: 'Idempotency key reused',
  too_many_operations: 'Too many operations',
  draft_not_found: 'No such draft',
  attachment_not_found: 'No such attachment',
  submission_not_found: 'Not in the outbox',
  approval_not_found: 'No such approval',
  proposal_not_found: 'No such proposal',
  draft_changed: 'Changed meanwhile',
  draft_submitted: 'Already in the outbox',
  account_cannot_send: 'No SMTP server',
  approval_void: 'Not what waits for approval',
  not_possible_now: 'Not possible in this state',
  policy_denied: 'Denied by its policy',
  frozen: 'Stopped by a human',
  four_eyes_needed: 'Another user must approve',
  no_recipients: 'No recipients',
  too_many_drafts: 'Too many drafts',
  too_many_submissions: 'Outbox is full',
  too_many_streams: 'Too many streams',
  too_many_requests: 'Too many requests',
  too_many_attempts: 'Too many attempts',
  head_too_large: 'Headers too large',
  not_implemented: 'Not implemented',
  internal: 'Internal error',
  mail_server_unreachable: 'Mail server unreachable',
  provider_limited: 'Model provider rate limit',
  provider_failed: 'Model provider failed',
  overloaded: 'Overloaded',
  revocation_not_stored: 'Revoked, not stored yet',
  draining: 'Shutting down',
  no_model_configured: 'No model configured',
  mail_server_timeout: 'Mail server too slow',
  provider_timeout: 'Model provider too slow',
}

/** Outcomes that are not problems of the contract: sign-in through a provider, and the trail itself. */
const others: ReadonlyMap<string, string> = new Map(
  Object.entries({
    ok: 'Done',
    second_factor: 'Second factor required',
    changed: 'Changed in the meantime',
    setup_needed: 'Not set up yet',
    unavailable: 'Provider unreachable',
    denied: 'Denied by the provider',
    failed: 'Provider response invalid',
    expired: 'Timed out',
    not_allowed: 'In no allowed group',
    email_unverified: 'Email not verified',
    email_taken: 'Email belongs to another user',
    disabled: 'User disabled',
  }),
)

/** Problems with another meaning in a sign-in. */
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

/** Authentication: set-up, sign-in by password, passkey or provider, sessions. */
import { z } from 'zod'
import { endpoint } from './endpoint.ts'
import { Scope } from './scope.ts'
import { line, secret, Timestamp, typedLine } from './wire.ts'

export const Role = z
  .enum(['viewer', 'operator', 'administrator'])
  .describe('`viewer`: views the dashboard; `operator`: also acts on it and reads mail; `administrator`: everything')
export type Role = z.infer<typeof Role>

/** `all`, or a list of account ids; an empty list grants none. */
export const AccountAccess = z
  .union([z.literal('all'), z.array(z.string().max(40)).max(1000)])
  .describe('`all`, or ids of accounts')
export type AccountAccess = z.infer<typeof AccountAccess>

/** The address of a user; in older rows possibly one that `Email` would reject. */
export const StoredEmail = lowerCased(line.trim())
/**
 * The address of a person, by which people tell each other apart. Only with letters that have one spelling: the lower
 * case of the Kelvin sign is `k`, so another mailbox would become that of somebody else.
 */
export const Email = lowerCased(
  line
    .trim()
    .refine(
      email => email === email.normalize('NFKC') && !/[\p{C}\p{Default_Ignorable_Code_Point}]/u.test(email),
      'must not contain invisible letters, or compatibility forms of others',
    ),
)

function lowerCased(text: typeof line) {
  return text
    .toLowerCase()
    .max(254)
    .regex(/^[^@\s]+@[^@\s]+$/, 'is not an email address')
}

/** Names in the audit trail of principals that are neither a person nor a token; users may not have them. */
const ownNames = ['api key', 'nobody', 'openid connect', 'rustymail']

export const PersonName = typedLine
  .trim()
  .min(1)
  .max(100)
  .regex(
    /^[^\p{Bidi_Control}\u00ad\u200b\u2060\ufeff]*$/u,
    'must not contain invisible or direction-changing characters',
  )
  .refine(name => !ownNames.includes(shownForm(name)), 'is a name reserved for RustyMail itself')

/** As a reader of the trail sees it: letters that show nothing, and the widths of letters and blanks, make no other name. */
function shownForm(name: string): string {
  const shown = name.normalize('NFKC').replaceAll(/\p{Default_Ignorable_Code_Point}+/gu, '')
  return shown.replaceAll(/\s+/g, ' ').trim().toLowerCase()
}

/** A new password: only its length is validated here; the server checks whether it is too easy to guess. */
export const NewPassword = secret(z.string().min(12, 'must have at least 12 characters').max(256))
const GivenPassword = secret(z.string().min(1).max(256))

export const SignInMethod = z.enum(['setup', 'password', 'passkey', 'oidc', 'link'])
export type SignInMethod = z.infer<typeof SignInMethod>

export const SessionView = z
  .object({
    principal: z.object({
      id: z.string(),
      name: z.string(),
      kind: z.enum(['session', 'token', 'api_key']),
      scopes: z.array(Scope),
      accounts: AccountAccess,
      user_id: z
        .string()
        .nullable()
        .describe('Owner of the session or token; null for the API key from the environment'),
      email: z.string().nullable(),
      role: Role.nullable(),
    }),
    server: z.object({
      version: z.string(),
      demo: z.boolean().describe('The sandbox mail server is running'),
      sandbox_running: z.boolean(),
    }),
    last_event_id: z
      .string()
      .nullable()
      .describe(
        'For sessions that may view the dashboard: the id of the newest event before this response. An event stream opened with it as `Last-Event-ID` has everything since',
      ),
  })
  .meta({ id: 'Session' })
export type SessionView = z.infer<typeof SessionView>

/** A parameter of a sign-in that the provider's portal starts (OpenID Connect Core, section 4). */
const ofPortal = z.string().optional().describe('Added by portals of providers; ignored, since there is one provider')

/** Query of the redirect to the OpenID Connect provider. */
export const OidcSignInQuery = z.strictObject({
  return: z
    .string()
    .optional()
    .describe('The page to return to')
    .meta({ examples: ['/mail'] }),
  iss: ofPortal.meta({ examples: ['https://sign-in.example.com'] }),
  login_hint: ofPortal.meta({ examples: ['ann@example.com'] }),
  target_link_uri: ofPortal.meta({ examples: ['https://mail.example.com/'] }),
})

/** Why a session ended without its owner signing out. */
export const SessionEnd = z.enum([
  'ended_by_administrator',
  'ended_elsewhere',
  'password_changed',
  'user_disabled',
  'too_many_sessions',
  'expired',
])
export type SessionEnd = z.infer<typeof SessionEnd>

export const SignInState = z
  .object({
    setup_needed: z.boolean().describe('No administrator exists yet: open the set-up link'),
    passkeys: z.boolean().describe('Whether passkeys work at the address from which the page was requested'),
    oidc: z.object({ name: z.string() }).nullable().describe('The OpenID Connect provider, when one is configured'),
    session_end: SessionEnd.nullable().describe(
      'Why the session of the request cookie ended, as far as the server remembers; null without such a cookie',
    ),
  })
  .meta({ id: 'SignInState' })
export type SignInState = z.infer<typeof SignInState>

/** The response to a correct password of a user with a second factor: sign-in is not complete yet. */
export const SignInAnswer = z
  .discriminatedUnion('status', [
    z.object({ status: z.literal('signed_in'), session: SessionView }),
    z.object({
      status: z.literal('second_factor'),
      challenge: z.string().describe('Send it with the second factor, within 5 minutes'),
    }),
  ])
  .meta({ id: 'SignInAnswer' })
export type SignInAnswer = z.infer<typeof SignInAnswer>

/** WebAuthn's own JSON (W3C Web Authentication Level 3, section 5.1): made and read by the browser. */
export const WebAuthnJson = z.record(z.string(), z.unknown())
export const PasskeyChallenge = z
  .object({ challenge_id: z.string(), options: WebAuthnJson })
  .meta({ id: 'PasskeyChallenge' })
export type PasskeyChallenge = z.infer<typeof PasskeyChallenge>

export const UserSession = z
  .object({
    id: z.string(),
    user_id: z.string(),
    user_name: z.string(),
    method: SignInMethod,
    ip_address: z.string().describe('IP address from which the session was opened'),
    user_agent: z.string(),
    created_at: Timestamp,
    last_seen_at: Timestamp,
    expires_at: Timestamp,
    is_current: z.boolean(),
  })
  .meta({ id: 'UserSession' })
export type UserSession = z.infer<typeof UserSession>

const tag = 'Access'

export const accessApi = {
  getSignInState: endpoint({
    method: 'GET',
    path: '/api/dashboard/sign-in',
    tag,
    summary: 'List the available ways to sign in',
    scope: 'public',
    effect: 'read',
    response: SignInState,
    uncounted: true,
  }),
  setUp: endpoint({
    setsCookie: true,
    method: 'POST',
    path: '/api/dashboard/setup',
    tag,
    summary: 'Create the first administrator with the one-time set-up token, and sign in',
    description: 'The token is the part after `#` in the printed set-up link. It works once, within 30 minutes.',
    scope: 'public',
    effect: 'write',
    limit: 'sign_in',
    body: z.strictObject({
      setup_token: secret(z.string().min(1).max(200)),
      email: Email,
      name: PersonName,
      password: NewPassword,
    }),
    response: SessionView,
    status: 201,
    problems: ['setup_token_invalid', 'password_too_common', 'setup_done'],
  }),
  openSession: endpoint({
    setsCookie: true,
    method: 'POST',
    path: '/api/dashboard/session',
    tag,
    summary: 'Sign in with a password',
    scope: 'public',
    effect: 'write',
    limit: 'sign_in',
    body: z.strictObject({
      // The email is secret, since people type passwords into that field by mistake.
      email: secret(z.string().trim().toLowerCase().min(1).max(254)),
      password: GivenPassword,
    }),
    response: SignInAnswer,
    status: 201,
    problems: ['sign_in_failed', 'too_many_attempts'],
  }),
  giveSecondFactor: endpoint({
    setsCookie: true,
    method: 'POST',
    path: '/api/dashboard/session/second-factor',
    tag,
    summary: 'Complete sign-in with a code from the authenticator, or a recovery code',
    scope: 'public',
    effect: 'write',
    limit: 'sign_in',
    body: z.strictObject({
      challenge: secret(z.string().min(1).max(200)),
      code: secret(z.string().trim().min(6).max(30)),
    }),
    response: SessionView,
    status: 201,
    problems: ['sign_in_failed', 'too_many_attempts', 'challenge_invalid'],
  }),
  beginPasskeySignIn: endpoint({
    method: 'POST',
    path: '/api/dashboard/session/passkey/challenge',
    tag,
    summary: 'Start a sign-in with a passkey',
    scope: 'public',
    // The challenge is signed, not stored, so this is a read.
    effect: 'read',
    limit: 'sign_in',
    response: PasskeyChallenge,
    status: 201,
    problems: ['too_many_attempts'],
  }),
  finishPasskeySignIn: endpoint({
    setsCookie: true,
    method: 'POST',
    path: '/api/dashboard/session/passkey',
    tag,
    summary: 'Complete a sign-in with a passkey',
    scope: 'public',
    effect: 'write',
    limit: 'sign_in',
    body: z.strictObject({ challenge_id: secret(z.string().min(1).max(200)), response: secret(WebAuthnJson) }),
    response: SessionView,
    status: 201,
    problems: ['sign_in_failed', 'too_many_attempts', 'challenge_invalid'],
  }),
  getSession: endpoint({
    method: 'GET',
    path: '/api/dashboard/session',
    tag,
    summary: 'Get the current session',
    scope: 'signed_in',
    effect: 'read',
    response: SessionView,
  }),
  closeSession: endpoint({
    setsCookie: true,
    callers: 'session',
    method: 'DELETE',
    path: '/api/dashboard/session',
    tag,
    summary: 'Sign out: end this session and its event streams',
    scope: 'signed_in',
    effect: 'write',
    isRevocation: () => true,
    response: z.undefined(),
    status: 204,
    problems: ['session_needed'],
  }),
  listSessions: endpoint({
    method: 'GET',
    path: '/api/dashboard/sessions',
    tag,
    summary: 'List open sessions: your own, or all for an administrator',
    scope: 'signed_in',
    effect: 'read',
    query: z.strictObject({ user_id: z.string().max(40).optional() }),
    response: z.object({ items: z.array(UserSession) }),
    problems: ['session_needed'],
  }),
  endSession: endpoint({
    setsCookie: true,
    method: 'DELETE',
    path: '/api/dashboard/sessions/{session_id}',
    tag,
    summary: 'End one session, with its event streams',
    scope: 'signed_in',
    effect: 'write',
    isRevocation: () => true,
    limit: 'access',
    params: z.object({ session_id: z.string().min(1).max(40) }),
    response: z.undefined(),
    status: 204,
    problems: ['session_not_found'],
  }),
  endAllSessions: endpoint({
    setsCookie: true,
    callers: 'session',
    method: 'DELETE',
    path: '/api/dashboard/sessions',
    tag,
    summary: 'Sign out everywhere: end all your sessions, this one included',
    scope: 'signed_in',
    effect: 'write',
    isRevocation: () => true,
    limit: 'access',
    response: z.undefined(),
    status: 204,
    problems: ['session_needed'],
  }),
}

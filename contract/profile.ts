/** The caller’s own password, second factor and passkeys. Only a session may change them: a token cannot take over its owner. */
import { z } from 'zod'
import { NewPassword, PasskeyChallenge, PersonName, Role, StoredEmail, WebAuthnJson } from './access.ts'
import { endpoint } from './endpoint.ts'
import { secret, Timestamp } from './wire.ts'

export const Passkey = z
  .object({
    id: z.string(),
    name: z.string(),
    is_backed_up: z.boolean().describe('Synced by a password manager or a cloud account'),
    created_at: Timestamp,
    last_used_at: Timestamp.nullable(),
  })
  .meta({ id: 'Passkey' })
export type Passkey = z.infer<typeof Passkey>

export const Profile = z
  .object({
    user_id: z.string(),
    email: StoredEmail,
    name: z.string(),
    role: Role,
    has_password: z.boolean(),
    has_totp: z.boolean(),
    recovery_codes_left: z.int(),
    passkeys: z.array(Passkey),
    oidc: z.boolean().describe('Linked to the OpenID Connect provider'),
  })
  .meta({ id: 'Profile' })
export type Profile = z.infer<typeof Profile>

/**
 * The current password, required again before credentials change. Users without a password must have signed in within
 * the last 10 minutes instead.
 */
const current_password = secret(z.string().max(256)).optional()
/** Problems of calls that require the password, or a recent sign-in. */
const confirmed = ['session_needed', 'password_wrong', 'recent_sign_in_required', 'too_many_attempts'] as const
const tag = 'Profile'
const shared = { tag, scope: 'signed_in', callers: 'session' } as const

export const profileApi = {
  getProfile: endpoint({
    ...shared,
    method: 'GET',
    path: '/api/dashboard/profile',
    summary: 'Get your own profile',
    effect: 'read',
    response: Profile,
    problems: ['session_needed'],
  }),
  changeProfile: endpoint({
    ...shared,
    method: 'PATCH',
    path: '/api/dashboard/profile',
    summary: 'Change your name',
    effect: 'write',
    limit: 'access',
    body: z.strictObject({ name: PersonName }),
    response: Profile,
    problems: ['session_needed'],
  }),
  changePassword: endpoint({
    ...shared,
    method: 'PUT',
    path: '/api/dashboard/profile/password',
    summary: 'Change your password; your other sessions end',
    effect: 'write',
    limit: 'access',
    body: z.strictObject({ current_password, new_password: NewPassword }),
    response: z.undefined(),
    status: 204,
    problems: [...confirmed, 'password_too_common'],
  }),
  beginTotp: endpoint({
    ...shared,
    method: 'POST',
    path: '/api/dashboard/profile/totp',
    summary: 'Start to set up an authenticator; it is active once one of its codes is confirmed',
    effect: 'write',
    limit: 'access',
    body: z.strictObject({ current_password }),
    response: z.object({
      secret: z.string().describe('Base32, for manual entry'),
      uri: z.string().describe('`otpauth://…`'),
      qr_svg: z.string(),
    }),
    status: 201,
    problems: [...confirmed, 'totp_exists'],
  }),
  confirmTotp: endpoint({
    ...shared,
    method: 'POST',
    path: '/api/dashboard/profile/totp/confirm',
    summary: 'Confirm the authenticator with a code; returns the recovery codes, once',
    effect: 'write',
    limit: 'access',
    body: z.strictObject({ code: secret(z.string().trim().min(6).max(10)) }),
    response: z.object({ recovery_codes: z.array(z.string()) }),
    problems: ['session_needed', 'code_wrong', 'challenge_invalid', 'too_many_attempts'],
  }),
  removeTotp: endpoint({
    ...shared,
    method: 'POST',
    path: '/api/dashboard/profile/totp/remove',
    summary: 'Remove the authenticator',
    effect: 'write',
    limit: 'access',
    body: z.strictObject({ current_password }),
    response: z.undefined(),
    status: 204,
    problems: confirmed,
  }),
  renewRecoveryCodes: endpoint({
    ...shared,
    method: 'POST',
    path: '/api/dashboard/profile/recovery-codes',
    summary: 'Create new recovery codes, shown once; the old ones stop working',
    effect: 'write',
    limit: 'access',
    body: z.strictObject({ current_password }),
    response: z.object({ recovery_codes: z.array(z.string()) }),
    status: 201,
    problems: confirmed,
  }),
  beginPasskey: endpoint({
    ...shared,
    method: 'POST',
    path: '/api/dashboard/profile/passkeys/challenge',
    summary: 'Start to add a passkey',
    effect: 'write',
    limit: 'access',
    body: z.strictObject({ current_password }),
    response: PasskeyChallenge,
    status: 201,
    problems: [...confirmed, 'passkeys_need_https'],
  }),
  addPasskey: endpoint({
    ...shared,
    method: 'POST',
    path: '/api/dashboard/profile/passkeys',
    summary: 'Add a passkey',
    effect: 'write',
    limit: 'access',
    body: z.strictObject({
      challenge_id: secret(z.string().min(1).max(200)),
      name: PersonName,
      response: secret(WebAuthnJson),
    }),
    response: Passkey,
    status: 201,
    problems: ['session_needed', 'challenge_invalid', 'passkey_refused'],
  }),
  removePasskey: endpoint({
    ...shared,
    method: 'POST',
    path: '/api/dashboard/profile/passkeys/{passkey_id}/remove',
    summary: 'Remove a passkey',
    effect: 'write',
    limit: 'access',
    params: z.object({ passkey_id: z.string().min(1).max(1400) }),
    body: z.strictObject({ current_password }),
    response: z.undefined(),
    status: 204,
    problems: [...confirmed, 'passkey_not_found', 'last_way_in'],
  }),
}

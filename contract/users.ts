/** Users: their role and the accounts they may see. */
import { z } from 'zod'
import { AccountAccess, Email, NewPassword, PersonName, Role, SessionView } from './access.ts'
import { endpoint } from './endpoint.ts'
import { secret, Timestamp } from './wire.ts'

export const DisabledBy = z
  .enum(['administrator', 'provider'])
  .describe(
    '`provider`: the OpenID Connect provider no longer grants them a role; undone when it grants one again. ' +
      '`administrator`: stays until an administrator enables them',
  )
export type DisabledBy = z.infer<typeof DisabledBy>

export const User = z
  .object({
    id: z.string(),
    email: z.string(),
    name: z.string(),
    role: Role,
    accounts: AccountAccess.describe('Accounts that they may see; always `all` for an administrator'),
    status: z.enum(['active', 'invited', 'disabled']),
    disabled_by: DisabledBy.nullable().describe('Null unless disabled'),
    has_totp: z.boolean(),
    passkeys: z.int(),
    sessions: z.int().describe('Number now open'),
    tokens: z.int().describe('API tokens in any state'),
    created_at: Timestamp,
    last_seen_at: Timestamp.nullable(),
  })
  .meta({ id: 'User' })
export type User = z.infer<typeof User>

export const UserActionKind = z
  .enum(['invited', 'reset', 'raised'])
  .describe('`raised`: a role or accounts were given, or the user was enabled')
export type UserActionKind = z.infer<typeof UserActionKind>

/** The users that a token or a person made, reset or raised. */
export const MadeUser = z
  .object({
    user_id: z.string(),
    name: z.string(),
    email: z.string(),
    status: User.shape.status,
    deeds: z.array(UserActionKind),
    at: Timestamp.describe('Time of the latest of these'),
    sessions: z.int().describe('Number now open'),
    tokens: z.int(),
  })
  .meta({ id: 'MadeUser' })
export type MadeUser = z.infer<typeof MadeUser>

/** Option of calls that revoke or delete the maker of users. */
export const EndMade = z.strictObject({
  end_made: z
    .enum(['true', 'false'])
    .default('false')
    .describe(
      '`true`: also disables all users that it invited, reset or promoted, except yourself, and ends their sessions. For users it invited or reset, ' +
        'password, authenticator, passkeys, links and API tokens are removed as well. Requires `dashboard:admin`',
    ),
})

/** A link with a secret, shown once: anyone who has it can set the password. */
const UserLink = z
  .object({ user: User, link: z.string().describe('Give it to the user; it works once'), expires_at: Timestamp })
  .meta({ id: 'UserLink' })
export type UserLink = z.infer<typeof UserLink>

const params = z.object({ user_id: z.string().min(1).max(40) })
const link_token = secret(z.string().min(1).max(200))
const tag = 'Users'
const shared = { tag, scope: 'dashboard:admin' } as const

export const usersApi = {
  listUsers: endpoint({
    ...shared,
    method: 'GET',
    path: '/api/dashboard/users',
    summary: 'List the users',
    effect: 'read',
    response: z.object({ items: z.array(User) }),
  }),
  inviteUser: endpoint({
    ...shared,
    method: 'POST',
    limit: 'access',
    path: '/api/dashboard/users',
    summary: 'Invite a user; returns the link with which they choose a password within 7 days',
    effect: 'write',
    body: z.strictObject({ email: Email, name: PersonName, role: Role, accounts: AccountAccess }),
    response: UserLink,
    status: 201,
    problems: ['user_exists', 'too_many_users', 'account_not_found', 'beyond_own_rights'],
  }),
  changeUser: endpoint({
    ...shared,
    method: 'PATCH',
    limit: 'access',
    path: '/api/dashboard/users/{user_id}',
    summary:
      'Change a user’s name, role or accounts, or disable them; takes effect in open sessions and streams within a second',
    effect: 'write',
    params,
    body: z.strictObject({
      name: PersonName.optional(),
      role: Role.optional(),
      accounts: AccountAccess.optional(),
      disabled: z.boolean().optional(),
    }),
    isRevocation: ({ disabled }) => disabled === true,
    response: User,
    problems: ['user_not_found', 'last_administrator', 'account_not_found', 'beyond_own_rights'],
  }),
  resetUser: endpoint({
    ...shared,
    method: 'POST',
    limit: 'access',
    path: '/api/dashboard/users/{user_id}/reset',
    summary:
      'Reset a user: remove password, authenticator and passkeys, end the sessions, and return a link to start over',
    description:
      'The link to the OpenID Connect provider stays, and so do API tokens, unless `revoke_tokens` is true. ' +
      'For an account that may be compromised: revoke them.',
    effect: 'write',
    params,
    body: z.strictObject({ revoke_tokens: z.boolean().default(false) }).default({ revoke_tokens: false }),
    response: UserLink,
    status: 201,
    problems: ['user_not_found', 'last_administrator', 'beyond_own_rights'],
  }),
  deleteUser: endpoint({
    ...shared,
    method: 'DELETE',
    limit: 'access',
    path: '/api/dashboard/users/{user_id}',
    summary: 'Delete a user, with their sessions and tokens',
    effect: 'destroy',
    isRevocation: () => true,
    params,
    query: EndMade,
    response: z.undefined(),
    status: 204,
    problems: ['user_not_found', 'last_administrator', 'beyond_own_rights'],
  }),
  listMadeByUser: endpoint({
    ...shared,
    method: 'GET',
    path: '/api/dashboard/users/{user_id}/made',
    summary: 'List the users that a user invited, reset or promoted, directly or through their API tokens',
    effect: 'read',
    params,
    response: z.object({ items: z.array(MadeUser) }),
    problems: ['user_not_found'],
  }),
  readLink: endpoint({
    tag,
    scope: 'public',
    limit: 'sign_in',
    method: 'POST',
    path: '/api/dashboard/invitation',
    summary: 'Get the user of a link',
    effect: 'read',
    body: z.strictObject({ link_token }),
    response: z.object({ email: z.string(), name: z.string(), expires_at: Timestamp }),
    problems: ['link_invalid', 'too_many_attempts'],
  }),
  acceptLink: endpoint({
    setsCookie: true,
    tag,
    scope: 'public',
    limit: 'sign_in',
    method: 'POST',
    path: '/api/dashboard/invitation/accept',
    summary: 'Choose a password with an invitation or reset link, and sign in',
    effect: 'write',
    body: z.strictObject({ link_token, password: NewPassword }),
    response: SessionView,
    status: 201,
    problems: ['link_invalid', 'password_too_common', 'too_many_attempts'],
  }),
}

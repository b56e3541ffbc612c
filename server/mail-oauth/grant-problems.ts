/** Problems that explain why an account gets no access token. */
import { Problem } from '../platform/problem.ts'
import type { OAuthFault } from './oauth-server.ts'

/** A login that retrying cannot fix: a user has to sign in again. */
export function revoked(why: string, cause?: OAuthFault): Problem {
  const again = why.endsWith('Sign in again.') ? why : `${why} Sign in again.`
  return new Problem('mail_login_refused', again, {
    fault: 'revoked',
    part: 'imap',
    ...(cause ? { server_response: cause.message, cause } : {}),
  })
}

export function elsewhere(): Problem {
  const detail = 'Another process of this server is still refreshing the access.'
  return new Problem('mail_server_unreachable', detail, { fault: 'sign_in_provider' })
}

export function gone(): Problem {
  return revoked('The access that this account logged in with no longer exists.')
}

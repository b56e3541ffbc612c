/** Server, user and secret of a login, with the secret in the clear: never logged, never sent in a response. */
import type { AccountAuth, MailServer } from '../../contract/accounts.ts'
import { Problem } from '../platform/problem.ts'

export type MailLogin = PasswordLogin | TokenLogin

export interface PasswordLogin extends MailServer {
  password: string
  accessToken?: undefined
}

/** A login by access token, which is valid for about an hour: obtained for each login, and never stored. */
export interface TokenLogin extends MailServer {
  accessToken: string
  password?: undefined
}

/**
 * Returns a login. @param rejected An access token that the mail server has just rejected, so that a different one is
 * returned, if possible.
 */
export type LoginSource = (rejected?: string) => Promise<MailLogin>

/** A server of an account, and the source of logins to it. */
export interface KnownServer {
  server: MailServer
  kind: AccountAuth['kind']
  source: LoginSource
}

/** Returns the secret of a login, to be redacted from everything that the server says. */
export function secretOf(login: MailLogin): string {
  return login.accessToken ?? login.password
}

/** Logs in; if the server rejects an access token, retries once with a fresh one. */
export async function withFreshToken<T>(source: LoginSource, attempt: (login: MailLogin) => Promise<T>): Promise<T> {
  const login = await source()
  try {
    return await attempt(login)
  } catch (error) {
    const isRefused = error instanceof Problem && error.code === 'mail_login_refused'
    if (!isRefused || login.accessToken === undefined) throw error
    const fresh = await source(login.accessToken)
    if (fresh.accessToken === login.accessToken) throw error
    return attempt(fresh)
  }
}

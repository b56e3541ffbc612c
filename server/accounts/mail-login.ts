/** Where and as which user to log in to a mail server, with the secret in the open: never logged, never answered. */
import type { AccountAuth, MailServer } from '../../contract/accounts.ts'
import { Problem } from '../platform/problem.ts'

export type MailLogin = PasswordLogin | TokenLogin

export interface PasswordLogin extends MailServer {
  password: string
  accessToken?: undefined
}

/** Valid for about an hour: to be asked for at each login, and kept by nobody. */
export interface TokenLogin extends MailServer {
  accessToken: string
  password?: undefined
}

/** @param rejected An access token that the mail server has just rejected: another one is wanted, if there can be one. */
export type LoginSource = (rejected?: string) => Promise<MailLogin>

/** A server of an account, and how to get what logs in to it. */
export interface KnownServer {
  server: MailServer
  kind: AccountAuth['kind']
  source: LoginSource
}

/** What must not be said again, whatever the server answers. */
export function secretOf(login: MailLogin): string {
  return login.accessToken ?? login.password
}

/** Logs in; where the server rejects an access token, once more with a fresh one, and not a third time. */
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

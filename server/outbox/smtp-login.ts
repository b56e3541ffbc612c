/** Opens a connection to an SMTP server and logs in: address, TLS, limits and mechanisms. */
import { isIP } from 'node:net'
import type SMTPConnection from 'nodemailer/lib/smtp-connection'
import { isLoopback } from '../accounts/account-verifier.ts'
import type { MailLogin, TokenLogin } from '../accounts/mail-login.ts'
import type { OutboundGuard } from '../platform/network/outbound-guard.ts'
import { Problem } from '../platform/problem.ts'
import { takesNoPlainLogin, takesNoToken, toSmtpProblem } from './smtp-faults.ts'

/** Upper bound for one response of the server. */
const maxAnswerBytes = 64 * 1024

/**
 * Certificates are verified, except on loopback. @param timeoutMs Until the connection is open and greeted. @param
 * silenceMs The connection is closed after this long without a word.
 */
export function connectionOptions(
  { host, port, tls }: MailLogin,
  address: string,
  { timeoutMs, silenceMs }: { timeoutMs: number; silenceMs: number },
): SMTPConnection.Options {
  return {
    host: address,
    port,
    secure: tls === 'implicit',
    requireTLS: tls === 'starttls',
    ignoreTLS: tls === 'none',
    tls: { rejectUnauthorized: !isLoopback(host), ...(isIP(host) === 0 ? { servername: host } : {}) },
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: silenceMs,
    dnsTimeout: timeoutMs,
    // Closing destroys the socket immediately.
    socketCloseTimeout: 0,
    maxResponseSize: maxAnswerBytes,
    customAuth: { [tokenMethods.OAUTHBEARER]: sayBearer, [tokenMethods.XOAUTH2]: sayXoauth2 },
  }
}

/** Returns an address that the guard allows. @throws Problem */
export async function addressOf(login: MailLogin, guard: Pick<OutboundGuard, 'check'> | undefined): Promise<string> {
  try {
    const addresses = await guard?.check(login.host, login.port)
    return addresses?.[0]?.address ?? login.host
  } catch (error) {
    if (error instanceof Problem) throw new Problem(error.code, error.message, { ...error.extension, part: 'smtp' })
    throw toSmtpProblem(error, login)
  }
}

/** @param greeted Called with the response to EHLO. @throws Errors of nodemailer: see `toSmtpProblem`. */
export function logIn(connection: SMTPConnection, login: MailLogin, greeted?: (ehlo: string) => void): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const finish = (error?: Error | null) => (error ? reject(error) : resolve())
  // Not `once`: without a listener, a later error would end the process.
  connection.on('error', finish)
  connection.once('end', () => reject(new Error('the connection ended')))
  connection.connect(error => {
    // A server without logins accepts any.
    if (error) return finish(error)
    greeted?.(connection.lastServerResponse || '')
    // Many servers offer the login only after STARTTLS.
    const isHeldBack = login.tls === 'none' && /[ -]STARTTLS\b/im.test(connection.lastServerResponse || '')
    if (!connection.allowsAuth) return finish(isHeldBack ? takesNoPlainLogin(login) : undefined)
    const { user, accessToken } = login
    if (accessToken === undefined) return connection.login({ user, pass: login.password }, finish)
    const method = tokenMethodOf(connection.lastServerResponse || '')
    if (method === undefined) return finish(takesNoToken(login))
    connection.login({ user, method, options: { ...login, accessToken } }, finish)
  })
  return promise
}

/** Custom names, since nodemailer looks for a password first under the name XOAUTH2. */
const tokenMethods = { OAUTHBEARER: 'TOKEN-OAUTHBEARER', XOAUTH2: 'TOKEN-XOAUTH2' } as const

/** Picks the mechanism among those that the server offers: the standard OAUTHBEARER before its predecessor XOAUTH2. */
function tokenMethodOf(ehlo: string): string | undefined {
  const offered = /^250[ -]AUTH[ =](.*)$/im.exec(ehlo)?.[1]?.toUpperCase().trim().split(/\s+/) ?? []
  const mechanism = (['OAUTHBEARER', 'XOAUTH2'] as const).find(each => offered.includes(each))
  return mechanism && tokenMethods[mechanism]
}

/** SASL OAUTHBEARER (RFC 7628, section 3.1). */
const sayBearer: AuthHandler = ({ auth, sendCommand }) => {
  const { user, host, port, accessToken } = tokenLoginOf(auth)
  const name = user.replaceAll('=', '=3D').replaceAll(',', '=2C')
  const fields = [`n,a=${name},`, `host=${host}`, `port=${port}`, `auth=Bearer ${accessToken}`]
  return authenticate(sendCommand, 'OAUTHBEARER', fields, 'AQ==')
}

/** SASL XOAUTH2, as documented by Google and Microsoft. */
const sayXoauth2: AuthHandler = ({ auth, sendCommand }) => {
  const { user, accessToken } = tokenLoginOf(auth)
  return authenticate(sendCommand, 'XOAUTH2', [`user=${user}`, `auth=Bearer ${accessToken}`], '')
}

type AuthHandler = SMTPConnection.CustomAuthenticationHandlers[string]
type SendCommand = SMTPConnection.CustomAuthenticationContext['sendCommand']

/**
 * Sends the token. A server that rejects it first sends a challenge with the reason, which is answered with `empty`;
 * then its reply follows.
 */
async function authenticate(
  sendCommand: SendCommand,
  method: string,
  fields: readonly string[],
  empty: string,
): Promise<void> {
  const response = Buffer.from([...fields, '', ''].join('\x01')).toString('base64')
  const first = await sendCommand(`AUTH ${method} ${response}`)
  const last = first.status === 334 ? await sendCommand(empty) : first
  if (last.status < 200 || last.status >= 300) throw new Error('Invalid login')
}

function tokenLoginOf({ options }: { options?: unknown }): TokenLogin {
  // Set by `logIn` only.
  return options as TokenLogin
}

/** Opens a connection to an SMTP server and logs in: where it is, how it is protected, and what is taken from it. */
import { isIP } from 'node:net'
import type SMTPConnection from 'nodemailer/lib/smtp-connection'
import { isLoopback } from '../accounts/account-verifier.ts'
import type { MailLogin } from '../accounts/mail-login.ts'
import type { OutboundGuard } from '../platform/network/outbound-guard.ts'
import { Problem } from '../platform/problem.ts'
import { takesNoPlainLogin, toSmtpProblem } from './smtp-faults.ts'

/** The most that a server may say in one answer. */
const maxAnswerBytes = 64 * 1024

/**
 * Certificates are checked, except on this machine itself.
 * @param timeoutMs Until it is connected and greeted. @param silenceMs After so long without a word the connection is gone.
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
    // Closing destroys the socket.
    socketCloseTimeout: 0,
    maxResponseSize: maxAnswerBytes,
  }
}

/** One that may be connected to. @throws Problem */
export async function addressOf(login: MailLogin, guard: Pick<OutboundGuard, 'check'> | undefined): Promise<string> {
  try {
    const addresses = await guard?.check(login.host, login.port)
    return addresses?.[0]?.address ?? login.host
  } catch (error) {
    if (error instanceof Problem) throw new Problem(error.code, error.message, { ...error.extension, part: 'smtp' })
    throw toSmtpProblem(error, login)
  }
}

/** @param greeted Hears what the server answered to EHLO. @throws whatever nodemailer threw: see `toSmtpProblem`. */
export function logIn(connection: SMTPConnection, login: MailLogin, greeted?: (ehlo: string) => void): Promise<void> {
  const { user, password } = login
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const finish = (error?: Error | null) => (error ? reject(error) : resolve())
  // Not once: without a listener, an error that comes later would end the process.
  connection.on('error', finish)
  connection.once('end', () => reject(new Error('the connection ended')))
  connection.connect(error => {
    // A server that wants no login is content with any.
    if (error) return finish(error)
    greeted?.(connection.lastServerResponse || '')
    // Many offer the login only behind STARTTLS.
    const isHeldBack = login.tls === 'none' && /[ -]STARTTLS\b/im.test(connection.lastServerResponse || '')
    if (!connection.allowsAuth) return finish(isHeldBack ? takesNoPlainLogin(login) : undefined)
    connection.login({ user, pass: password }, finish)
  })
  return promise
}

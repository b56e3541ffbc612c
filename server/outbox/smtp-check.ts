/** Logs in to an SMTP server and out again. Why that failed is said in `smtp-faults.ts`. */
import { isIP } from 'node:net'
import type SMTPConnection from 'nodemailer/lib/smtp-connection'
import { isLoopback } from '../accounts/account-verifier.ts'
import type { MailLogin } from '../accounts/mail-login.ts'
import { probeAfter, speaksTls } from '../accounts/tls-probe.ts'
import type { OutboundGuard } from '../platform/network/outbound-guard.ts'
import { Problem } from '../platform/problem.ts'
import { takesNoPlainLogin, tooSlow, toSmtpProblem, wantsTlsFirst } from './smtp-faults.ts'

/** The most that a server may say in one answer. */
const maxAnswerBytes = 64 * 1024
/** How long a server has for its goodbye, which nobody waits for. */
const goodbyeMs = 1_000

/**
 * Certificates are checked, except on this machine itself.
 * @param timeoutMs For all of it together: then the connection is gone, however busily the server talks.
 * @throws Problem with the same faults as for IMAP.
 */
export async function checkSmtp(
  login: MailLogin,
  timeoutMs: number,
  guard?: Pick<OutboundGuard, 'check'>,
): Promise<void> {
  const address = await addressOf(login, guard)
  // Loaded when first needed: a server that sends nothing does without it.
  const { default: Connection } = await import('nodemailer/lib/smtp-connection')
  const connection = new Connection({
    host: address,
    port: login.port,
    secure: login.tls === 'implicit',
    requireTLS: login.tls === 'starttls',
    ignoreTLS: login.tls === 'none',
    tls: { rejectUnauthorized: !isLoopback(login.host), ...(isIP(login.host) === 0 ? { servername: login.host } : {}) },
    // The bound below comes first; these only replace longer ones.
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    dnsTimeout: timeoutMs,
    // Closing destroys the socket.
    socketCloseTimeout: 0,
    maxResponseSize: maxAnswerBytes,
  })
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(tooSlow(login)), timeoutMs)
  const over = new AbortController()
  const probing = setTimeout(() => {
    if (login.tls === 'implicit' || connection.lastServerResponse) return
    const place = { host: address, port: login.port, signal: over.signal }
    // It never throws.
    void speaksTls(place).then(isTls => isTls && reject(wantsTlsFirst(login)))
  }, probeAfter(timeoutMs))
  try {
    await Promise.race([logIn(connection, login), late])
    connection.quit()
    setTimeout(() => connection.close(), goodbyeMs).unref()
  } catch (error) {
    connection.close()
    throw toSmtpProblem(error, login)
  } finally {
    over.abort()
    clearTimeout(timer)
    clearTimeout(probing)
  }
}

async function addressOf(login: MailLogin, guard: Pick<OutboundGuard, 'check'> | undefined): Promise<string> {
  try {
    const addresses = await guard?.check(login.host, login.port)
    return addresses?.[0]?.address ?? login.host
  } catch (error) {
    if (error instanceof Problem) throw new Problem(error.code, error.message, { ...error.extension, part: 'smtp' })
    throw toSmtpProblem(error, login)
  }
}

function logIn(connection: SMTPConnection, login: MailLogin): Promise<void> {
  const { user, password } = login
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const finish = (error?: Error | null) => (error ? reject(error) : resolve())
  // Not once: without a listener, an error that comes later would end the process.
  connection.on('error', finish)
  connection.once('end', () => reject(new Error('the connection ended')))
  connection.connect(error => {
    // A server that wants no login is content with any.
    if (error) return finish(error)
    // Many offer the login only behind STARTTLS.
    const isHeldBack = login.tls === 'none' && /[ -]STARTTLS\b/im.test(connection.lastServerResponse || '')
    if (!connection.allowsAuth) return finish(isHeldBack ? takesNoPlainLogin(login) : undefined)
    connection.login({ user, pass: password }, finish)
  })
  return promise
}

/** Checks an SMTP login by logging in and out again. `smtp-faults.ts` explains failures. */
import type { MailLogin } from '../accounts/mail-login.ts'
import type { LineListener } from '../accounts/protocol-log.ts'
import { probeAfter, supportsTls } from '../accounts/tls-probe.ts'
import type { OutboundGuard } from '../platform/network/outbound-guard.ts'
import { ehloOffers } from './ehlo-offers.ts'
import { tooSlow, toSmtpProblem, wantsTlsFirst } from './smtp-faults.ts'
import { heardBy } from './smtp-lines.ts'
import { addressOf, connectionOptions, logIn } from './smtp-login.ts'

/** How long the server has to respond to QUIT before the connection is closed; no caller waits for it. */
const goodbyeMs = 1_000

interface CheckListeners {
  /** Called with commands and replies, without the login. */
  onLine?: LineListener | undefined
  /** Called with the extensions that the server offers, once logged in. */
  greeted?(offers: readonly string[]): void
}

/**
 * Certificates are verified, except on loopback. @param timeoutMs Deadline for the whole check, even while the server
 * keeps talking. @throws Problem with the same faults as for IMAP.
 */
export async function checkSmtp(
  login: MailLogin,
  timeoutMs: number,
  guard?: Pick<OutboundGuard, 'check'>,
  { onLine, greeted }: CheckListeners = {},
): Promise<void> {
  const address = await addressOf(login, guard)
  // Loaded when first needed: a server that sends nothing does without it.
  const { default: Connection } = await import('nodemailer/lib/smtp-connection')
  // The deadline below comes first; these timeouts only replace longer defaults.
  const options = connectionOptions(login, address, { timeoutMs, silenceMs: timeoutMs })
  const connection = new Connection({ ...options, ...heardBy(onLine) })
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(tooSlow(login)), timeoutMs)
  const over = new AbortController()
  const probing = setTimeout(() => {
    if (login.tls === 'implicit' || connection.lastServerResponse) return
    const place = { host: address, port: login.port, signal: over.signal }
    // `supportsTls` never throws.
    void supportsTls(place).then(isTls => isTls && reject(wantsTlsFirst(login)))
  }, probeAfter(timeoutMs))
  try {
    let ehlo = ''
    const opened = logIn(connection, login, words => {
      ehlo = words
    })
    await Promise.race([opened, late])
    greeted?.(ehloOffers(ehlo))
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

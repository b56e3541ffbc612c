/** Logs in to an SMTP server and out again. Why that failed is said in `smtp-faults.ts`. */
import type { MailLogin } from '../accounts/mail-login.ts'
import type { LineListener } from '../accounts/protocol-log.ts'
import { probeAfter, speaksTls } from '../accounts/tls-probe.ts'
import type { OutboundGuard } from '../platform/network/outbound-guard.ts'
import { ehloOffers } from './ehlo-offers.ts'
import { tooSlow, toSmtpProblem, wantsTlsFirst } from './smtp-faults.ts'
import { heardBy } from './smtp-lines.ts'
import { addressOf, connectionOptions, logIn } from './smtp-login.ts'

/** How long a server has for its goodbye, which nobody waits for. */
const goodbyeMs = 1_000

interface CheckListeners {
  /** Hears commands and replies, without the login. */
  onLine?: LineListener | undefined
  /** Hears what the server offers, once it let in. */
  greeted?(offers: readonly string[]): void
}

/**
 * Certificates are checked, except on this machine itself.
 * @param timeoutMs For all of it together: then the connection is gone, however busily the server talks.
 * @throws Problem with the same faults as for IMAP.
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
  // The bound below comes first; these only replace longer ones.
  const options = connectionOptions(login, address, { timeoutMs, silenceMs: timeoutMs })
  const connection = new Connection({ ...options, ...heardBy(onLine) })
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

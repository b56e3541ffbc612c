/** Sends by nodemailer's SMTP connections, which are kept for a while and used again. */
import { type CertificateEnds, certificateOf } from '../../accounts/certificate-ends.ts'
import { type LoginSource, type MailLogin, secretOf, withFreshToken } from '../../accounts/mail-login.ts'
import type { ProtocolLog } from '../../accounts/protocol-log.ts'
import type { Envelope } from '../../drafts/composed-message.ts'
import type { OutboundGuard } from '../../platform/network/outbound-guard.ts'
import { Problem } from '../../platform/problem.ts'
import { ehloOffers } from '../ehlo-offers.ts'
import {
  type MailSender,
  type MailSenders,
  type MessageBytes,
  type MessageFigures,
  NotSent,
  type SendOutcome,
} from '../mail-sender.ts'
import { toSmtpProblem } from '../smtp-faults.ts'
import { heardBy } from '../smtp-lines.ts'
import { addressOf, connectionOptions, logIn } from '../smtp-login.ts'
import { SmtpSession } from './smtp-session.ts'

export interface NodemailerOptions {
  guard?: Pick<OutboundGuard, 'check'> | undefined
  /** Until a connection stands and is logged in. */
  timeoutMs(): number
  /** Keeps the last lines of its connections. */
  protocol?: Pick<ProtocolLog, 'open'>
  /** Hears what a server offers, in lines: `SIZE 36700160`. */
  greeted?(accountId: string, offers: readonly string[]): void
  /** Hears which certificates servers showed. */
  certificates?: Pick<CertificateEnds, 'seen'>
  bounds?: Partial<SessionBounds>
}

export interface SessionBounds {
  /** A connection that is not used for so long is closed. */
  idleMs: number
  /** Messages of one connection. */
  messages: number
  /** Without a word of the server for so long, the connection is lost (RFC 5321, section 4.5.3.2.6). */
  silenceMs: number
  /** One message, however busily the server talks. */
  messageMs: number
}

const defaults: SessionBounds = { idleMs: 30_000, messages: 100, silenceMs: 10 * 60_000, messageMs: 60 * 60_000 }

export class NodemailerSenders implements MailSenders {
  readonly #options: NodemailerOptions

  constructor(options: NodemailerOptions) {
    this.#options = options
  }

  open(accountId: string, login: LoginSource, connections: number): MailSender {
    return new NodemailerSender(accountId, login, connections, this.#options)
  }
}

class NodemailerSender implements MailSender {
  readonly #accountId: string
  readonly #login: LoginSource
  readonly #connections: number
  readonly #options: NodemailerOptions
  readonly #bounds: SessionBounds
  readonly #closed = new AbortController()
  readonly #idle = new Map<SmtpSession, NodeJS.Timeout>()
  readonly #waiting: (() => void)[] = []
  #busy = 0
  /** Lower than the setting where the server accepts fewer connections. */
  #limit: number

  constructor(accountId: string, login: LoginSource, connections: number, options: NodemailerOptions) {
    this.#accountId = accountId
    this.#login = login
    this.#connections = connections
    this.#limit = connections
    this.#options = options
    this.#bounds = { ...defaults, ...options.bounds }
  }

  async send(
    envelope: Envelope,
    bytes: MessageBytes,
    figures: MessageFigures,
    signal: AbortSignal,
  ): Promise<SendOutcome> {
    const over = AbortSignal.any([signal, this.#closed.signal])
    const session = await this.#borrow(over)
    try {
      const bounded = AbortSignal.any([over, AbortSignal.timeout(this.#bounds.messageMs)])
      return await session.send(envelope, bytes, figures, bounded)
    } finally {
      this.#keep(session)
      this.#free()
    }
  }

  async close(): Promise<void> {
    this.#closed.abort()
    for (const [session, timer] of this.#idle) {
      clearTimeout(timer)
      session.quit()
    }
    this.#idle.clear()
  }

  /** One that nobody else uses until it is freed. @throws NotSent */
  async #borrow(signal: AbortSignal): Promise<SmtpSession> {
    for (;;) {
      await this.#turn(signal)
      try {
        return await this.#session(signal)
      } catch (error) {
        this.#free()
        if (signal.aborted) throw stopped()
        // It lets in fewer than were asked for: one that it has let in is waited for.
        if (this.#busy > 0) this.#limit = this.#busy
        else throw this.#away(error)
      }
    }
  }

  async #turn(signal: AbortSignal): Promise<void> {
    while (this.#busy >= this.#limit && !signal.aborted) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#waiting.push(resolve)
      signal.addEventListener('abort', () => resolve(), { once: true })
      await promise
    }
    if (signal.aborted) throw stopped()
    this.#busy++
  }

  #free(): void {
    this.#busy--
    this.#waiting.shift()?.()
  }

  async #session(signal: AbortSignal): Promise<SmtpSession> {
    for (const [session, timer] of this.#idle) {
      clearTimeout(timer)
      this.#idle.delete(session)
      if (session.isOpen && (await session.reset())) return session
    }
    return withFreshToken(this.#login, login =>
      this.#open(login, signal).catch((error: unknown) => {
        throw toSmtpProblem(error, login)
      }),
    )
  }

  #away(error: unknown): NotSent {
    if (!(error instanceof Problem)) {
      const message = 'The account cannot send.'
      return new NotSent(message, {
        isTemporary: true,
        code: 'account_cannot_send',
        concernsAccount: true,
        cause: error,
      })
    }
    const problem = error
    return new NotSent(problem.message, {
      isTemporary: true,
      code: problem.code,
      serverResponse: problem.extension.server_response ?? null,
      concernsAccount: true,
      cause: problem,
    })
  }

  async #open(login: MailLogin, signal: AbortSignal): Promise<SmtpSession> {
    const { guard, timeoutMs, protocol } = this.#options
    const within = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs())])
    const address = await addressOf(login, guard)
    const { default: Connection } = await import('nodemailer/lib/smtp-connection')
    const bounds = { timeoutMs: timeoutMs(), silenceMs: this.#bounds.silenceMs }
    const onLine = protocol?.open(this.#accountId, 'smtp', [secretOf(login)])
    const options = connectionOptions(login, address, bounds)
    const connection = new Connection({ ...options, ...heardBy(onLine) })
    const { promise: late, reject } = Promise.withResolvers<never>()
    const abort = () => reject(signal.aborted ? new Error('sending was stopped') : timeout())
    within.addEventListener('abort', abort, { once: true })
    try {
      let ehlo = ''
      // The last words before the login are the answer to EHLO.
      const opened = logIn(connection, login, words => {
        ehlo = words
      })
      await Promise.race([opened, late])
      this.#options.greeted?.(this.#accountId, ehloOffers(ehlo))
      this.#options.certificates?.seen(this.#accountId, 'smtp', certificateOf(connection._socket))
      return new SmtpSession(connection, ehlo, secretOf(login))
    } catch (error) {
      connection.close()
      throw error
    } finally {
      within.removeEventListener('abort', abort)
    }
  }

  #keep(session: SmtpSession): void {
    if (!session.isOpen) return
    if (this.#closed.signal.aborted || session.sent >= this.#bounds.messages) return session.quit()
    const timer = setTimeout(() => {
      this.#idle.delete(session)
      session.quit()
      if (this.#busy === 0 && this.#idle.size === 0) this.#limit = this.#connections
    }, this.#bounds.idleMs)
    this.#idle.set(session, timer.unref())
  }
}

function stopped(): NotSent {
  return new NotSent('Sending was stopped.', { isTemporary: true, code: 'stopped' })
}

function timeout(): Error {
  return Object.assign(new Error('the mail server did not let in in time'), { code: 'ETIMEDOUT' })
}

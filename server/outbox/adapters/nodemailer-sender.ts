/** Sends over nodemailer's SMTP connections, which are kept open for a while and reused. */
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
  /** Upper bound for connecting and logging in. */
  timeoutMs(): number
  /** Records the latest lines of each connection. */
  protocol?: Pick<ProtocolLog, 'open'>
  /** Called with the extensions that a server offers, as lines: `SIZE 36700160`. */
  greeted?(accountId: string, offers: readonly string[]): void
  /** Called with the certificates that servers present. */
  certificates?: Pick<CertificateEnds, 'seen'>
  bounds?: Partial<SessionBounds>
}

export interface SessionBounds {
  /** An idle connection is closed after this. */
  idleMs: number
  /** Messages sent over one connection before it is closed. */
  messages: number
  /** The connection counts as lost after this long without a word from the server (RFC 5321, section 4.5.3.2.6). */
  silenceMs: number
  /** Deadline for one message, even while the server keeps talking. */
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
  /** Connections that may be open; lowered from the setting when the server accepts fewer. */
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

  /** Returns a session for exclusive use; callers free it. @throws NotSent */
  async #borrow(signal: AbortSignal): Promise<SmtpSession> {
    for (;;) {
      await this.#turn(signal)
      try {
        return await this.#session(signal)
      } catch (error) {
        this.#free()
        if (signal.aborted) throw stopped()
        // The server accepts fewer connections than the setting: wait for one that is open.
        if (this.#busy > 0) this.#limit = this.#busy
        else throw this.#unreachable(error)
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

  #unreachable(error: unknown): NotSent {
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
      // The last response before the login is the one to EHLO.
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
  return Object.assign(new Error('the mail server did not accept the login in time'), { code: 'ETIMEDOUT' })
}

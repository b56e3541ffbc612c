/** Opens the connections of one account under every cap: of this server, of the account, and what its mail server was found to allow. */

import type { PoolLimits } from '../../contract/settings.ts'
import type { CertificateEnds, SeenCertificate } from '../accounts/certificate-ends.ts'
import { type MailLogin, secretOf, withFreshToken } from '../accounts/mail-login.ts'
import type { ProtocolLog } from '../accounts/protocol-log.ts'
import type { Logger } from '../platform/logger.ts'
import { Problem } from '../platform/problem.ts'
import { pause } from '../platform/waits.ts'
import type { ConnectionSlots, Rank } from './connection-slots.ts'
import { LoginDoubt } from './login-doubt.ts'
import type { MailConnection, MailGateway } from './mail-gateway.ts'
import type { ServerGate } from './server-gate.ts'
import type { ServerGates } from './server-gates.ts'
import { LimitPause, PoolSize, type Watched } from './server-limit.ts'
import { noMemory, type ServerMemory } from './server-memory.ts'
import { type Purpose, purposeOf, TrafficMeter, type TrafficObserver } from './traffic.ts'

export interface ConnectionSourceOptions extends ConnectionOpenerOptions {
  slots: ConnectionSlots
  logger: Logger
  limits(): PoolLimits
  /** Hears what is moved. */
  traffic?: TrafficObserver | undefined
  /** How many are open now, and what of them is for watching. */
  counts(): { open: number } & Watched
  /** Begins and ends of opening change the counts. */
  onChange(): void
}

export interface MeteredConnection {
  connection: MailConnection
  meter: TrafficMeter
}

export class ConnectionSource {
  readonly opener: ConnectionOpener
  readonly #options: ConnectionSourceOptions
  readonly #size: PoolSize
  readonly #limit = new LimitPause()

  constructor(options: ConnectionSourceOptions) {
    this.#options = options
    this.opener = new ConnectionOpener(options)
    const { accountId, memory = noMemory } = options
    const size = () => options.limits().connection_pool_size
    this.#size = new PoolSize(size, memory.limitOf(accountId), limit => memory.limited(accountId, limit))
  }

  get timeoutMs(): number {
    return this.#options.limits().connection_timeout_seconds * 1000
  }

  /** Most command connections now. */
  get most(): number {
    return this.#size.most(this.#options.counts())
  }

  /** What the mail server allows, the watching connection included; undefined while it refused none. */
  get serverLimit(): number | undefined {
    return this.#size.serverLimit
  }

  /** Something was learned that must not be forgotten. */
  get hasMemory(): boolean {
    return this.opener.refusal !== undefined || this.serverLimit !== undefined || !this.#limit.isOver
  }

  /** @throws Problem why none can be had now, when none is open. */
  throwIfClosed(): void {
    if (this.opener.refusal) throw this.opener.refusal
    if (this.#options.counts().open === 0) this.#limit.throwIfPaused()
  }

  /** @param isWanted Asked when it is this one's turn. @returns Undefined when it is not wanted any more. */
  async open(rank: Rank, signal: AbortSignal, isWanted = () => true): Promise<MeteredConnection | undefined> {
    const { slots, counts, onChange, accountId, traffic } = this.#options
    const tell = (purpose: Purpose, received: number, sent: number) =>
      traffic?.moved(accountId, purpose, received, sent)
    const meter = new TrafficMeter(purposeOf(rank), tell)
    const slot = await slots.request(rank, this.timeoutMs, signal)
    try {
      if (!isWanted()) {
        slot.release()
        return undefined
      }
      const opening = this.opener.open(this.timeoutMs, signal, meter)
      onChange()
      const connection = await opening
      // Ends with the connection; `closed` never rejects.
      void connection.closed.then(() => slot.release())
      const { open, ...watched } = counts()
      this.#size.opened(open + 1, watched)
      this.#limit.reset()
      traffic?.opened(accountId, purposeOf(rank), open + 1)
      this.#options.memory?.connected(accountId, connection.offers)
      return { connection, meter }
    } catch (error) {
      slot.release()
      throw error
    }
  }

  /**
   * The mail server refused one more beside so many.
   * @returns False when none of them was ours: other programs have the connections that it allows.
   */
  refusedBeside(open: number): boolean {
    if (open === 0) return false
    this.#size.refused(open)
    const { accountId, logger } = this.#options
    logger.warn({ account_id: accountId, connections: open }, 'mail server allows fewer connections')
    return true
  }

  /** None of ours is open, and it refuses even one. @returns What those who wait are told. */
  pause(problem: Problem): Problem {
    return this.#limit.pause(problem)
  }

  /** The login may be another one now, or its server. */
  renew(): void {
    this.opener.renew()
    this.#size.reset()
    this.#limit.reset()
  }

  /** @param hasSome Others are open and at work. */
  whyTooLate(hasSome: boolean): Problem {
    if (this.opener.connecting > 0 && !hasSome) {
      const detail = 'The mail server did not accept a connection in time.'
      return new Problem('mail_server_timeout', detail, { fault: 'timeout', part: 'imap' })
    }
    return new Problem('overloaded', 'All IMAP connections are in use; try again in a moment.', {
      retryAfterSeconds: 5,
    })
  }
}

export function faultOf(error: unknown): Problem['extension']['fault'] {
  return error instanceof Problem ? error.extension.fault : undefined
}

interface ConnectionOpenerOptions {
  accountId: string
  gateway: MailGateway
  gates: ServerGates
  /** Throws when there is no such account, or it is disabled. @param rejected The access token that the server has just rejected. */
  login(accountId: string, rejected?: string): Promise<MailLogin>
  /** Keeps the last lines of its connections. */
  protocol?: Pick<ProtocolLog, 'open'> | undefined
  /** Hears which certificate the server showed. */
  certificates?: Pick<CertificateEnds, 'seen'> | undefined
  /** What is learned of the mail server; nothing is kept unless given. */
  memory?: ServerMemory | undefined
  /** After a login that worked until now was refused, it is tried once more so late; see `LoginDoubt`. */
  doubtMs?: number | undefined
  /** Hears that the server refused the login. */
  onRefused(accountId: string, problem: Problem): void
}

/** Opens connections of one account, and remembers that its password was refused until something changes. */
export class ConnectionOpener {
  readonly #options: ConnectionOpenerOptions
  #generation = 0
  #connecting = 0
  #isKnown = false
  #refusal: Problem | undefined
  #gate: ServerGate | undefined
  readonly #doubt: LoginDoubt

  constructor(options: ConnectionOpenerOptions) {
    this.#options = options
    const { accountId, memory = noMemory, doubtMs } = options
    this.#doubt = new LoginDoubt(memory.hasAccepted(accountId), doubtMs)
  }

  /** Goes up with each `renew`: what was opened before is of an older one. */
  get generation(): number {
    return this.#generation
  }

  /** Connections that are coming about. */
  get connecting(): number {
    return this.#connecting
  }

  /** Whether there was a login for it: there is such an account. */
  get isKnown(): boolean {
    return this.#isKnown
  }

  /** The server's refusal of the password: no login is to be tried until `renew`. */
  get refusal(): Problem | undefined {
    return this.#refusal
  }

  /** Of the mail server, as the last login named it. */
  get gate(): ServerGate | undefined {
    return this.#gate
  }

  /** Whether the server is away, as far as is known. */
  get isAway(): boolean {
    return this.#gate?.outage !== undefined
  }

  /** Something took too long: looks whether the server still greets. */
  async suspect(): Promise<void> {
    await this.#gate?.suspect()
  }

  /** Resolves when it is worth trying again: after `delayMs`, and not before the server is back, when it is away. */
  async untilWorthTrying(delayMs: number, signal: AbortSignal): Promise<void> {
    if (this.#gate) return this.#gate.untilBack(delayMs, signal)
    // An abort only ends the wait.
    await pause(delayMs, signal)
  }

  /** The login may be another one now. */
  renew(): void {
    this.#generation++
    this.#refusal = undefined
    this.#doubt.renew()
    this.#gate?.reset()
  }

  async open(timeoutMs: number, signal: AbortSignal, meter: TrafficMeter): Promise<MailConnection> {
    const generation = this.#generation
    this.#connecting++
    try {
      return await this.#doubt.login(() => this.#login(timeoutMs, signal, meter), signal)
    } catch (error) {
      const isRefused = error instanceof Problem && error.code === 'mail_login_refused'
      if (isRefused && generation === this.#generation) {
        this.#refusal = error
        this.#options.onRefused(this.#options.accountId, error)
      }
      throw error
    } finally {
      this.#connecting--
    }
  }

  #login(timeoutMs: number, signal: AbortSignal, meter: TrafficMeter): Promise<MailConnection> {
    const { accountId, gateway, gates, protocol, certificates } = this.#options
    const onTraffic = (received: number, sent: number) => meter.moved(received, sent)
    return withFreshToken(
      rejected => this.#options.login(accountId, rejected),
      login => {
        this.#isKnown = true
        this.#gate = gates.of(login)
        const onLine = protocol?.open(accountId, 'imap', [secretOf(login)])
        const onCertificate = (seen: SeenCertificate | undefined) => certificates?.seen(accountId, 'imap', seen)
        // One without TLS shows none.
        if (login.tls === 'none') onCertificate(undefined)
        const options = { timeoutMs, onTraffic, onLine, onCertificate }
        return this.#gate.login(either => gateway.connect(login, { ...options, signal: either }), signal)
      },
    )
  }
}

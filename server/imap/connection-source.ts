/** Opens connections of one account under all caps: of this server, of the account and of its mail server. */

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
  /** Records the traffic. */
  traffic?: TrafficObserver | undefined
  /** The number of open connections, and how many of them watch. */
  counts(): { open: number } & Watched
  /** Called when an attempt begins, since that changes the counts. */
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

  /** Current maximum of command connections. */
  get most(): number {
    return this.#size.most(this.#options.counts())
  }

  /** Connections that the mail server allows, the watching one included; undefined while it has refused none. */
  get serverLimit(): number | undefined {
    return this.#size.serverLimit
  }

  /** True while there is learned state that must not be dropped. */
  get hasMemory(): boolean {
    return this.opener.refusal !== undefined || this.serverLimit !== undefined || !this.#limit.isOver
  }

  /** @throws Problem with the reason why no connection can be opened now, when none is open. */
  throwIfClosed(): void {
    if (this.opener.refusal) throw this.opener.refusal
    if (this.#options.counts().open === 0) this.#limit.throwIfPaused()
  }

  /** @param isWanted Checked once a slot is granted. @returns Undefined when the connection is no longer wanted. */
  async open(rank: Rank, signal: AbortSignal, isWanted = () => true): Promise<MeteredConnection | undefined> {
    const { slots, counts, onChange, accountId, traffic } = this.#options
    const report = (purpose: Purpose, received: number, sent: number) =>
      traffic?.moved(accountId, purpose, received, sent)
    const meter = new TrafficMeter(purposeOf(rank), report)
    const slot = await slots.request(rank, this.timeoutMs, signal)
    try {
      if (!isWanted()) {
        slot.release()
        return undefined
      }
      const opening = this.opener.open(this.timeoutMs, signal, meter)
      onChange()
      const connection = await opening
      // The slot is released with the connection; `closed` never rejects.
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
   * Records that the mail server refused one more connection beside `open` of ours.
   * @returns False when none of them was ours: other programs use the connections that it allows.
   */
  refusedBeside(open: number): boolean {
    if (open === 0) return false
    this.#size.refused(open)
    const { accountId, logger } = this.#options
    logger.warn({ account_id: accountId, connections: open }, 'mail server allows fewer connections')
    return true
  }

  /** Pauses when the server refuses even a first connection. @returns The Problem for waiting requests. */
  pause(problem: Problem): Problem {
    return this.#limit.pause(problem)
  }

  /** Resets learned state, since login or server may have changed. */
  renew(): void {
    this.opener.renew()
    this.#size.reset()
    this.#limit.reset()
  }

  /** @param hasSome True when other connections are open and at work. */
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
  /** Throws when the account is missing or disabled. @param rejected The access token just rejected by the server. */
  login(accountId: string, rejected?: string): Promise<MailLogin>
  /** Records the last lines of its connections. */
  protocol?: Pick<ProtocolLog, 'open'> | undefined
  /** Records the certificate that the server presented. */
  certificates?: Pick<CertificateEnds, 'seen'> | undefined
  /** Persists what is learned of the mail server; nothing is persisted unless given. */
  memory?: ServerMemory | undefined
  /** Delay before a login that was accepted before and is now refused is retried once; see `LoginDoubt`. */
  doubtMs?: number | undefined
  /** Called when the server refused the login. */
  onRefused(accountId: string, problem: Problem): void
}

/** Opens connections of one account, and remembers a refused password until something changes. */
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

  /** Incremented by each `renew`; earlier connections belong to an older generation. */
  get generation(): number {
    return this.#generation
  }

  /** Connection attempts in progress. */
  get connecting(): number {
    return this.#connecting
  }

  /** True once a login was found, which proves that the account exists. */
  get isKnown(): boolean {
    return this.#isKnown
  }

  /** The server's refusal of the password: no login is attempted until `renew`. */
  get refusal(): Problem | undefined {
    return this.#refusal
  }

  /** The gate of the mail server named by the last login. */
  get gate(): ServerGate | undefined {
    return this.#gate
  }

  /** True while the server is known to be down. */
  get isUnreachable(): boolean {
    return this.#gate?.outage !== undefined
  }

  /** Reports a timeout: probes whether the server still greets. */
  async suspect(): Promise<void> {
    await this.#gate?.suspect()
  }

  /** Resolves when a retry makes sense: after `delayMs`, or once the server is back when it is down. */
  async untilWorthTrying(delayMs: number, signal: AbortSignal): Promise<void> {
    if (this.#gate) return this.#gate.untilBack(delayMs, signal)
    // An abort only ends the wait.
    await pause(delayMs, signal)
  }

  /** Resets state, since the login may have changed. */
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
        // A connection without TLS has no certificate.
        if (login.tls === 'none') onCertificate(undefined)
        const options = { timeoutMs, onTraffic, onLine, onCertificate }
        return this.#gate.login(either => gateway.connect(login, { ...options, signal: either }), signal)
      },
    )
  }
}

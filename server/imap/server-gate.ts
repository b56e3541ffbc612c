/**
 * The gate of one mail server, for all its accounts: limits concurrent logins, detects outages, and probes for recovery
 * one probe at a time. A failed login alone does not prove an outage; a missing greeting does.
 */
import type { Logger } from '../platform/logger.ts'
import { Problem } from '../platform/problem.ts'
import type { MailGateway, MailPlace } from './mail-gateway.ts'

export interface GateTimes {
  /** Timeout of a probe. */
  probeMs: number
  /** Pause between two probes. */
  everyMs: number
  /** Pause between two probes once the server has been down for `longMs`. */
  everyLongMs: number
  longMs: number
}

/** Together with the time of the logins, accounts are back five seconds after their server. */
export const gateTimes: GateTimes = { probeMs: 3_000, everyMs: 1_000, everyLongMs: 5_000, longMs: 10 * 60_000 }

export interface ServerGateOptions {
  gateway: Pick<MailGateway, 'probe'>
  logger: Logger
  times?: GateTimes
  /** Timeout of a login; a server that is slow to greet gets as long. */
  timeoutMs(): number
  /** Called when the server was found to be down. */
  onDown(gate: ServerGate): void
  /** Called when it closes new connections while others are open, which may be dead: it is at its limit, or down. */
  onDoubt(gate: ServerGate): void
}

/** Concurrent logins on one server; further ones queue, so that its accounts do not all reconnect at once. */
const maxLogins = 8
/** Minimum time between two logins whose success makes other, previously failed accounts retry. */
const reviveEveryMs = 30_000
/** Minimum time between two checks of the open connections of a server that seems to be at its limit. */
const doubtEveryMs = 30_000
/** Faults that affect a whole server, not just one account. */
const outages = new Set(['timeout', 'refused', 'dns', 'closed'])
/** Errors of a connection closed during the TLS handshake; certificate errors have other codes. */
const endedCodes = /^(ECONNRESET|ECONNABORTED|EPIPE|NoConnection|EConnectionClosed|ClosedAfterConnectTLS)$/

/** The result of a login. */
interface Opened {
  /** Resolves when the connection has ended; never rejects. */
  closed: Promise<unknown>
}

export class ServerGate {
  readonly #options: ServerGateOptions
  readonly #times: GateTimes
  readonly #place: MailPlace
  /** Why the server is considered down; undefined while it is up. */
  #outage: Problem | undefined
  #looking: Promise<Problem | undefined> | undefined
  #logins = 0
  /** Number of established connections of all accounts. */
  #open = 0
  /** Logins waiting for a slot, first come first served; the pools bound their number. */
  #queue: PromiseWithResolvers<void>[] = []
  /** Resolved and replaced at each sign of life. */
  #back = Promise.withResolvers<void>()
  /** Number of callers waiting for `#back`; without any the server is not probed. */
  #waiting = 0
  /** True when a login failed since the last sign of life. */
  #hasFailed = false
  #revivedAt = Number.NEGATIVE_INFINITY
  /** When the server last seemed to be at its limit; undefined after a login. */
  #doubtedAt: number | undefined
  /** Aborts logins in flight when the server is found to be down: a connection that hangs would outlast the outage. */
  #unreachable = new AbortController()
  /** Ends the probing of an outage. */
  #ended = new AbortController()
  readonly #stopped = new AbortController()

  constructor(place: MailPlace, options: ServerGateOptions) {
    this.#place = { host: place.host, port: place.port, tls: place.tls }
    this.#options = options
    this.#times = options.times ?? gateTimes
  }

  /** The Problem that callers get while the server is down; undefined while it is up, as far as known. */
  get outage(): Problem | undefined {
    return this.#outage
  }

  get isIdle(): boolean {
    return !this.#outage && !this.#looking && this.#open + this.#logins + this.#queue.length + this.#waiting === 0
  }

  /**
   * Logs in once a slot is free. Throws immediately while the server is down.
   * @param connect Must end when its signal aborts, as it does when the server is found to be down meanwhile.
   * @throws Problem with the fault `limit` when the server does not greet while other connections of ours are open.
   */
  async login<T extends Opened>(connect: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T> {
    await this.#enter(signal)
    try {
      const result = await connect(AbortSignal.any([signal, this.#unreachable.signal]))
      this.#gotIn()
      this.#open++
      void result.closed.then(() => this.#left())
      return result
    } catch (error) {
      if ((isOutage(error) || this.#isLimit(error)) && !signal.aborted) {
        const found = await this.#suspect()
        if (this.#isLimit(error) && this.#isLimit(found)) throw limitProblem(this.#place, error)
        this.#hasFailed = true
      }
      throw error
    } finally {
      const next = this.#queue.shift()
      if (next) next.resolve()
      else this.#logins--
    }
  }

  /** Reports a timeout or a broken connection: probes whether the server still greets. */
  async suspect(): Promise<void> {
    await this.#suspect()
  }

  /** @returns The Problem that the probe found, if any. */
  #suspect(): Promise<Problem | undefined> {
    if (this.#outage || this.#stopped.signal.aborted) return Promise.resolve(undefined)
    this.#looking ??= this.#look(this.#times.probeMs, this.#stopped.signal)
      .then(problem => {
        if (this.#isLimit(problem)) this.#doubt()
        else if (problem && isOutage(problem)) this.#close(problem)
        return problem
      })
      .finally(() => {
        this.#looking = undefined
      })
    return this.#looking
  }

  /** @returns The error of a connection opened outside the gate, classified as `login` would. */
  async judged(error: unknown): Promise<unknown> {
    return this.#isLimit(error) && this.#isLimit(await this.#suspect()) ? limitProblem(this.#place, error) : error
  }

  /** Resolves at the next sign of life; at the latest after `mostMs`, unless the server is down then. */
  async untilBack(mostMs: number, signal: AbortSignal): Promise<void> {
    this.#waiting++
    const { promise, resolve } = Promise.withResolvers<void>()
    const late = setTimeout(() => this.#outage ?? resolve(), mostMs)
    const abort = () => resolve()
    signal.addEventListener('abort', abort, { once: true })
    if (signal.aborted) abort()
    try {
      await Promise.race([this.#back.promise, promise])
    } finally {
      clearTimeout(late)
      signal.removeEventListener('abort', abort)
      this.#waiting--
      if (this.#waiting === 0 && this.#outage) this.#ended.abort()
    }
  }

  /** Forgets the outage: the next login finds out whether it persists. */
  reset(): void {
    if (this.#outage) this.#ended.abort()
    this.#outage = undefined
    this.#revive()
  }

  stop(): void {
    this.#stopped.abort()
    this.#ended.abort()
    for (const waiting of this.#queue.splice(0)) waiting.reject(new Problem('draining', 'RustyMail is shutting down.'))
  }

  /** Has the open connections checked: behind a proxy an outage looks like a limit until they are known to be dead. */
  #doubt(): void {
    const now = performance.now()
    if (this.#doubtedAt !== undefined && now - this.#doubtedAt < doubtEveryMs) return
    this.#doubtedAt = now
    this.#options.onDoubt(this)
  }

  /** Called at the end of each connection. Without any, what seemed to be a limit is an outage, or is over. */
  #left(): void {
    this.#open--
    if (this.#open > 0 || this.#doubtedAt === undefined) return
    this.#doubtedAt = undefined
    this.#suspect().catch(err => this.#options.logger.error({ err }, 'checking a mail server failed'))
  }

  /** A server that is down has no established connections; one that is at its limit does. */
  #isLimit(error: unknown): error is Problem {
    return this.#open > 0 && isSilentEnd(error)
  }

  async #enter(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (this.#outage) throw this.#outage
    if (this.#logins < maxLogins) {
      this.#logins++
    } else {
      const turn = Promise.withResolvers<void>()
      const leave = () => turn.reject(signal.reason)
      this.#queue.push(turn)
      signal.addEventListener('abort', leave, { once: true })
      try {
        await turn.promise
      } finally {
        signal.removeEventListener('abort', leave)
        this.#queue = this.#queue.filter(other => other !== turn)
      }
    }
  }

  /** One account's success lets the failed ones retry; throttled, since one of them may always fail. */
  #gotIn(): void {
    this.#doubtedAt = undefined
    if (this.#hasFailed && performance.now() - this.#revivedAt >= reviveEveryMs) this.#revive()
  }

  /** The server gave a sign of life: wakes the waiting callers, which retry. */
  #revive(): void {
    this.#hasFailed = false
    this.#revivedAt = performance.now()
    this.#back.resolve()
    this.#back = Promise.withResolvers()
  }

  #close(problem: Problem): void {
    const { host, port } = this.#place
    const { logger } = this.#options
    logger.warn({ host, port, cause: problem.extension.fault }, 'a mail server does not answer')
    this.#outage = unreachableProblem(problem)
    for (const waiting of this.#queue.splice(0)) waiting.reject(this.#outage)
    this.#unreachable.abort(this.#outage)
    this.#unreachable = new AbortController()
    this.#ended = new AbortController()
    this.#watch(this.#ended.signal).catch(err => logger.error({ err }, 'checking a mail server failed'))
    this.#options.onDown(this)
  }

  /** Probes until the server greets, or no caller waits for it any more. */
  async #watch(ended: AbortSignal): Promise<void> {
    const began = performance.now()
    const over = new AbortController()
    const signal = AbortSignal.any([ended, over.signal])
    // Runs beside the quick probes, for a server that is slow to greet: its timeout is that of a login.
    const patient = this.#lookUntilThere(() => this.#options.timeoutMs(), began, signal)
    const quick = this.#lookUntilThere(() => this.#times.probeMs, began, signal)
    await Promise.race([patient, quick])
    over.abort()
    await Promise.all([patient, quick])
    // `reset` may have come first, and another outage after it.
    if (this.#ended.signal !== ended) return
    this.#outage = undefined
    const { host, port } = this.#place
    if (!ended.aborted && this.#waiting > 0) this.#options.logger.info({ host, port }, 'a mail server answers again')
    this.#revive()
  }

  async #lookUntilThere(boundMs: () => number, began: number, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const isLong = performance.now() - began > this.#times.longMs
      await pause(isLong ? this.#times.everyLongMs : this.#times.everyMs, signal)
      // No caller waits: the next login finds out whether the server is back.
      if (signal.aborted || this.#waiting === 0) return
      const problem = await this.#look(boundMs(), signal)
      // Other faults, such as an expired certificate, are answers too: the login reports them better.
      if (!signal.aborted && (!problem || !isOutage(problem))) return
    }
  }

  async #look(timeoutMs: number, signal: AbortSignal): Promise<Problem | undefined> {
    try {
      await this.#options.gateway.probe(this.#place, { timeoutMs, signal })
      return undefined
    } catch (error) {
      if (error instanceof Problem || signal.aborted) return error instanceof Problem ? error : undefined
      throw error
    }
  }
}

/** Resolves after `ms`, or when the signal, which is not aborted yet, aborts. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, ms)
  const abort = () => resolve()
  signal.addEventListener('abort', abort, { once: true })
  await promise
  clearTimeout(timer)
  signal.removeEventListener('abort', abort)
}

function isOutage(error: unknown): boolean {
  return error instanceof Problem && outages.has(error.extension.fault ?? '')
}

/** True for a connection closed before the greeting, as servers with a limit per address do (Courier's MAXPERIP). */
function isSilentEnd(error: unknown): error is Problem {
  if (!(error instanceof Problem)) return false
  const { cause } = error
  if (error.extension.fault === 'closed') return true
  return (
    error.extension.fault === 'tls' && cause instanceof Error && 'code' in cause && endedCodes.test(`${cause.code}`)
  )
}

function limitProblem({ host, port }: MailPlace, cause: Problem): Problem {
  const detail = `The mail server at ${host}:${port} accepts no more connections: it closes new ones immediately while others stay open.`
  return new Problem('mail_server_refused', detail, { fault: 'limit', part: 'imap', cause })
}

/** Adds the retry delay to the Problem of an outage. */
function unreachableProblem({ code, message, extension }: Problem): Problem {
  return new Problem(code, message, { ...extension, retryAfterSeconds: 5 })
}

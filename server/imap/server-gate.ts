/**
 * One mail server, for all accounts on it: how many log in at once, whether it is away, and one cheap look at a time for whether it is back.
 * A failed login is no proof that it is away: that it does not even greet is.
 */
import type { Logger } from '../platform/logger.ts'
import { Problem } from '../platform/problem.ts'
import type { MailGateway, MailPlace } from './mail-gateway.ts'

export interface GateTimes {
  /** How long a look may take. */
  probeMs: number
  /** Between two looks. */
  everyMs: number
  /** The same when it has been away for `longMs`. */
  everyLongMs: number
  longMs: number
}

/** Together with the logins, accounts are back five seconds after their server. */
export const gateTimes: GateTimes = { probeMs: 3_000, everyMs: 1_000, everyLongMs: 5_000, longMs: 10 * 60_000 }

export interface ServerGateOptions {
  gateway: Pick<MailGateway, 'probe'>
  logger: Logger
  times?: GateTimes
  /** How long a login may take: a server that is slow to greet gets as long. */
  timeoutMs(): number
  /** It was found to be away. */
  onDown(gate: ServerGate): void
}

/** Logins at once on one server, so that all its accounts do not come back in the same moment. */
const maxLogins = 8
/** A login that succeeds lets others, which failed before, try again this often at most. */
const reviveEveryMs = 30_000
/** Faults that a whole server has, not one account of it. */
const outages = new Set(['timeout', 'refused', 'dns', 'closed'])
/** Of a connection that ended in the handshake of TLS; what was wrong with the certificate, say, has other codes. */
const endedCodes = /^(ECONNRESET|ECONNABORTED|EPIPE|NoConnection|EConnectionClosed|ClosedAfterConnectTLS)$/

/** What logs in. */
interface Opened {
  /** Resolves when it has ended; never rejects. */
  closed: Promise<unknown>
}

export class ServerGate {
  readonly #options: ServerGateOptions
  readonly #times: GateTimes
  readonly #place: MailPlace
  /** Why it is away. */
  #outage: Problem | undefined
  #looking: Promise<Problem | undefined> | undefined
  #logins = 0
  /** Connections that stand, of all accounts. */
  #open = 0
  /** Those who want to log in, in the order of coming; the pools bound how many. */
  #queue: PromiseWithResolvers<void>[] = []
  /** Renewed at each sign of life. */
  #back = Promise.withResolvers<void>()
  /** Those who wait for that. Without any nothing is looked at. */
  #waiting = 0
  /** A login broke since the last sign of life. */
  #hasFailed = false
  #revivedAt = Number.NEGATIVE_INFINITY
  /** Ends what is under way when the server is found to be away: a connection that hangs would outlast that. */
  #away = new AbortController()
  /** Of the looks while it is away. */
  #ended = new AbortController()
  readonly #stopped = new AbortController()

  constructor(place: MailPlace, options: ServerGateOptions) {
    this.#place = { host: place.host, port: place.port, tls: place.tls }
    this.#options = options
    this.#times = options.times ?? gateTimes
  }

  /** Why nothing can be had of it now; undefined when it answers, as far as is known. */
  get outage(): Problem | undefined {
    return this.#outage
  }

  get isIdle(): boolean {
    return !this.#outage && !this.#looking && this.#open + this.#logins + this.#queue.length + this.#waiting === 0
  }

  /**
   * Logs in when it is one's turn. Throws at once while the server is away.
   * @param connect Ends with its signal, also when the server is found to be away meanwhile.
   * @throws Problem with the fault `limit` where it greets nobody while others of our connections stand.
   */
  async login<T extends Opened>(connect: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T> {
    await this.#enter(signal)
    try {
      const result = await connect(AbortSignal.any([signal, this.#away.signal]))
      this.#gotIn()
      this.#open++
      void result.closed.then(() => this.#open--)
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

  /** Something took too long or broke: looks whether the server still greets. */
  async suspect(): Promise<void> {
    await this.#suspect()
  }

  /** @returns What the look found, if anything. */
  #suspect(): Promise<Problem | undefined> {
    if (this.#outage || this.#stopped.signal.aborted) return Promise.resolve(undefined)
    this.#looking ??= this.#look(this.#times.probeMs, this.#stopped.signal)
      .then(problem => {
        if (problem && isOutage(problem) && !this.#isLimit(problem)) this.#close(problem)
        return problem
      })
      .finally(() => {
        this.#looking = undefined
      })
    return this.#looking
  }

  /** @returns What failed beside the gate, as `login` would tell it. */
  async judged(error: unknown): Promise<unknown> {
    return this.#isLimit(error) && this.#isLimit(await this.#suspect()) ? limitProblem(this.#place, error) : error
  }

  /** Resolves when the server is back, or has just shown that it is there; at the latest after `mostMs` while it is not away. */
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

  /** Forgets what is known: the next login finds out by itself. */
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

  /** A server that is away has no connection that stands; one that is full does. */
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

  /** After one account got in where another one failed, that one need not wait; but one that always fails is not tried each time. */
  #gotIn(): void {
    if (this.#hasFailed && performance.now() - this.#revivedAt >= reviveEveryMs) this.#revive()
  }

  /** It is there: those who wait try again. */
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
    this.#outage = awayProblem(problem)
    for (const waiting of this.#queue.splice(0)) waiting.reject(this.#outage)
    this.#away.abort(this.#outage)
    this.#away = new AbortController()
    this.#ended = new AbortController()
    this.#watch(this.#ended.signal).catch(err => logger.error({ err }, 'checking a mail server failed'))
    this.#options.onDown(this)
  }

  /** One look after the other until the server greets, or nobody waits for it any more. */
  async #watch(ended: AbortSignal): Promise<void> {
    const began = performance.now()
    const over = new AbortController()
    const signal = AbortSignal.any([ended, over.signal])
    // Beside the quick ones, for a server that takes long to greet: it may take as long as a login.
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
      // Nobody waits for it: the next login finds out.
      if (signal.aborted || this.#waiting === 0) return
      const problem = await this.#look(boundMs(), signal)
      // A certificate that is not valid any more, say, is an answer too: the login says it better.
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

/** Until then, or until the signal. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, ms)
  const abort = () => resolve()
  signal.addEventListener('abort', abort, { once: true })
  if (signal.aborted) abort()
  await promise
  clearTimeout(timer)
  signal.removeEventListener('abort', abort)
}

function isOutage(error: unknown): boolean {
  return error instanceof Problem && outages.has(error.extension.fault ?? '')
}

/** How it looks where a server ends a connection before a word: behind a limit for each address, as Courier's MAXPERIP, say. */
function isSilentEnd(error: unknown): error is Problem {
  if (!(error instanceof Problem)) return false
  const { cause } = error
  if (error.extension.fault === 'closed') return true
  return (
    error.extension.fault === 'tls' && cause instanceof Error && 'code' in cause && endedCodes.test(`${cause.code}`)
  )
}

function limitProblem({ host, port }: MailPlace, cause: Problem): Problem {
  const detail = `The mail server at ${host}:${port} accepts no more connections: it ends new ones at once, while others stand.`
  return new Problem('mail_server_refused', detail, { fault: 'limit', part: 'imap', cause })
}

/** The same, with when to come again. */
function awayProblem({ code, message, extension }: Problem): Problem {
  return new Problem(code, message, { ...extension, retryAfterSeconds: 5 })
}

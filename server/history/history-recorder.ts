/**
 * Records counts and gauges as samples of 5 s; the current minute is kept in memory and stored at its end. A crash
 * leaves a gap of at most a minute.
 */
import type { RequestOutcome } from '../platform/http/http-outcome.ts'
import { every } from '../platform/lifecycle.ts'
import type { Logger } from '../platform/logger.ts'
import type { HistoryMaintenance } from './history-maintenance.ts'
import { startOf } from './levels.ts'
import { mergeTimes, observe, type Point, pointOf } from './point.ts'
import type { RecordedMinute } from './points-codec.ts'
import { keyOf, type Labels, type SeriesName, series } from './series.ts'

export type SeriesOfKind<Kind> = {
  [Name in SeriesName]: (typeof series)[Name]['kind'] extends Kind ? Name : never
}[SeriesName]

/** Accepts figures; never throws, and costs one look-up. */
export interface HistorySink {
  /** Counts an event. */
  count(name: SeriesOfKind<'count'>, labels?: Labels, times?: number): void
  /** @param value In the unit of the series. */
  observe(name: SeriesOfKind<'latency'>, value: number, labels?: Labels): void
}

/** Reads the gauges for a sample. */
export type ReadGauges = (set: (name: SeriesOfKind<'gauge'>, value: number, labels?: Labels) => void) => void

export interface HistoryRecorderOptions {
  readGauges: ReadGauges
  maintenance: Pick<HistoryMaintenance, 'keepMinute' | 'maintain'>
  logger: Logger
  /** Epoch milliseconds. */
  now?: () => number
}

export const sampleSeconds = 5
const minuteSeconds = 60
/** Upper bound of series in one minute. Further ones are dropped, and logged once an hour. */
export const maxSeries = 20_000
/** Minutes that could not be stored, kept for a retry with the next. */
const maxWaiting = 10
const complainEveryMs = 60 * 60_000

export class HistoryRecorder implements HistorySink {
  readonly #options: HistoryRecorderOptions
  readonly #now: () => number
  #slot = new Map<string, Point>()
  #minute: RecordedMinute
  #waiting: RecordedMinute[] = []
  #storing: Promise<void> | undefined
  #ending: AbortController | undefined
  #complainedAt = Number.NEGATIVE_INFINITY

  constructor(options: HistoryRecorderOptions) {
    this.#options = options
    this.#now = options.now ?? Date.now
    this.#minute = this.#newMinute()
  }

  /** Records every response, and every tool call with the size of its result as sent to an agent. */
  record(
    { method, operation, status, code, durationMs, caller, isCounted }: RequestOutcome,
    _result?: unknown,
    size?: { tokens: number },
  ): void {
    const isTool = method === 'CALL'
    if (!isTool && !isCounted) return
    if (!isTool) {
      this.count('requests')
      this.observe('response_time', durationMs)
    }
    this.observe('operation_time', durationMs, { operation })
    if (status >= 400) this.count('errors', { code })
    if (!caller || caller.principal.kind === 'anonymous') return
    const outcome = status < 400 ? 'ok' : status < 500 ? 'refused' : 'failed'
    const tool = isTool ? operation.replace(/^tool\./, '') : ''
    const { id, kind } = caller.principal
    this.count('calls', { principal: id, tool, outcome, caller: kind === 'session' ? 'person' : 'program' })
    if (size && size.tokens > 0) this.count('tokens', { principal: id, tool }, size.tokens)
  }

  start(): void {
    this.#ending = new AbortController()
    this.sample()
    const failed = (err: unknown) => this.#options.logger.error({ err }, 'a sample of the history could not be taken')
    every(sampleSeconds * 1000, this.#ending.signal, () => this.sample(), failed)
    this.#store()
  }

  /** Stores what was recorded of the current minute. */
  async stop(): Promise<void> {
    this.#ending?.abort()
    this.#ending = undefined
    this.#endSlot()
    if (this.#minute.points.size > 0) this.#waiting.push(this.#minute)
    this.#minute = this.#newMinute()
    await this.#storing
    this.#store(false)
    await this.#storing
  }

  count(name: SeriesOfKind<'count'>, labels: Labels = {}, times = 1): void {
    const key = keyOf(name, labels)
    const point = this.#slot.get(key)
    if (!point) return this.#add(key, pointOf(times))
    point.sum += times
    point.min = point.sum
    point.max = point.sum
  }

  observe(name: SeriesOfKind<'latency'>, value: number, labels: Labels = {}): void {
    const key = keyOf(name, labels)
    const known = this.#slot.get(key)
    const rounded = Math.round(value * series[name].scale) / series[name].scale
    if (known) observe(known, rounded)
    else this.#add(key, observe(undefined, rounded))
  }

  /** The minutes that wait to be stored, and the current one. */
  get recent(): readonly RecordedMinute[] {
    return [...this.#waiting, this.#minute]
  }

  /** Takes a sample; called by the timer and by tests. */
  sample(): void {
    this.#options.readGauges((name, value, labels = {}) => {
      if (Number.isFinite(value)) this.#add(keyOf(name, labels), pointOf(value))
    })
    this.#add(keyOf('up', {}), pointOf(1))
    this.#endSlot()
  }

  #add(key: string, point: Point): void {
    if (this.#slot.size < maxSeries || this.#slot.has(key)) this.#slot.set(key, point)
    else this.#complain()
  }

  #complain(): void {
    const now = this.#now()
    if (now - this.#complainedAt < complainEveryMs) return
    this.#complainedAt = now
    this.#options.logger.warn({ series: maxSeries }, 'too many series: the history drops further ones')
  }

  #endSlot(): void {
    const at = this.#now() / 1000
    const start = startOf(at, minuteSeconds)
    if (start !== this.#minute.start) {
      if (this.#minute.points.size > 0) this.#waiting.push(this.#minute)
      this.#minute = this.#newMinute()
      this.#store()
    }
    const place = Math.floor((at - start) / sampleSeconds)
    for (const [key, point] of this.#slot) {
      const points = this.#minute.points.get(key)
      const last = points?.at(-1)
      if (last && last[0] < place) points!.push([place, point])
      // The clock was set back, or there are two samples in one step.
      else if (last) mergeTimes(last[1], point)
      else if (this.#minute.points.size < maxSeries) this.#minute.points.set(key, [[place, point]])
      else this.#complain()
    }
    this.#slot = new Map()
  }

  #store(maintains = true): void {
    if (this.#storing) return
    const { logger } = this.#options
    this.#storing = this.#storeWaiting(maintains).then(
      () => {
        this.#storing = undefined
        // A minute that ended meanwhile.
        if (this.#waiting.length > 0) this.#store(maintains)
      },
      (err: unknown) => {
        this.#storing = undefined
        logger.error({ err }, 'the history could not be stored; retrying in a minute')
      },
    )
  }

  async #storeWaiting(maintains: boolean): Promise<void> {
    const { maintenance, logger } = this.#options
    const tooMany = this.#waiting.length - maxWaiting
    if (tooMany > 0) {
      logger.warn({ minutes: tooMany }, 'minutes of the history were dropped, since they could not be stored')
      this.#waiting.splice(0, tooMany)
    }
    for (let minute = this.#waiting[0]; minute; minute = this.#waiting[0]) {
      await maintenance.keepMinute(minute)
      this.#waiting = this.#waiting.filter(other => other !== minute)
    }
    if (maintains) await maintenance.maintain(Math.floor(this.#now() / 1000))
  }

  #newMinute(): RecordedMinute {
    return { start: startOf(this.#now() / 1000, minuteSeconds), points: new Map() }
  }
}

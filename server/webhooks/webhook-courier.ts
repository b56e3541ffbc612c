/**
 * Delivers messages to endpoints: schedules them, makes one attempt after the other for each, and handles the outcomes.
 * Rights and ends are the engine's business.
 */
import type { LeaseClaim } from '../leases/lease-service.ts'
import { drop, WebhookBacklogs } from './webhook-backlogs.ts'
import type { NextMessage, WebhookEndpoint } from './webhook-endpoint.ts'
import type { WebhookEngineBounds, WebhookEngineOptions } from './webhook-engine-options.ts'
import { Lanes } from './webhook-lanes.ts'
import { givenUpMs } from './webhook-pace.ts'
import { WebhookPlaces } from './webhook-places.ts'
import type { WebhookMessage, WebhookOutcome } from './webhook-sender.ts'
import type { WebhookEnding } from './webhook-tables.ts'

/** Facts after which the place of an endpoint is stored although nothing was delivered. */
const quietFacts = 1_000

export interface WebhookCourierOptions {
  engine: WebhookEngineOptions
  bounds: WebhookEngineBounds
  signal: AbortSignal
  findLease(): ReturnType<LeaseClaim['find']>
  /** Ends the endpoint, which is then sent only its end. */
  end(endpoint: WebhookEndpoint, ending: WebhookEnding): void
  sendEnd(endpoint: WebhookEndpoint): Promise<void>
}

export class WebhookCourier {
  readonly places: WebhookPlaces
  readonly backlogs: WebhookBacklogs
  readonly #options: WebhookCourierOptions
  readonly #lanes: Lanes
  readonly #running = new Set<Promise<void>>()

  constructor(options: WebhookCourierOptions) {
    this.#options = options
    const { engine, bounds, findLease } = options
    const { store, hub, logger } = engine
    this.#lanes = new Lanes(bounds.atOnce)
    this.places = new WebhookPlaces({ store, findLease, commitMs: bounds.commitMs, logger })
    this.backlogs = new WebhookBacklogs({ hub, store, findLease, wake: each => this.wakeUnlessWaiting(each), logger })
  }

  get underWay(): number {
    return this.#lanes.underWay
  }

  /** Resolves once no attempt is in flight. */
  async idle(): Promise<void> {
    await Promise.all(this.#running)
  }

  /** Wakes the endpoint, or waits until its next attempt is due. */
  begin(endpoint: WebhookEndpoint): void {
    const { next_try_at: next } = endpoint.row
    const waitMs = next === null ? 0 : Date.parse(next) - this.#options.engine.now()
    if (waitMs > 0) this.wakeLater(endpoint, waitMs)
    else this.wake(endpoint)
  }

  wakeUnlessWaiting(endpoint: WebhookEndpoint): void {
    endpoint.isDue = true
    if (endpoint.timer === undefined) this.wake(endpoint)
  }

  wakeLater(endpoint: WebhookEndpoint, ms: number): void {
    clearTimeout(endpoint.timer)
    endpoint.timer = setTimeout(() => this.wake(endpoint), ms)
  }

  wake(endpoint: WebhookEndpoint): void {
    clearTimeout(endpoint.timer)
    endpoint.timer = undefined
    endpoint.isDue = true
    if (endpoint.isRunning || endpoint.isRemoved) return
    this.#lanes.add(endpoint)
    this.#pump()
  }

  /** Drops an endpoint with its backlogs. */
  drop(endpoint: WebhookEndpoint): void {
    for (const each of [endpoint, ...endpoint.backlogs.values()]) {
      drop(each)
      this.#lanes.delete(each)
      this.places.forget(each)
    }
  }

  async attempt({ row, kind, sign }: WebhookEndpoint, message: WebhookMessage): Promise<WebhookOutcome> {
    const { engine, signal } = this.#options
    const at = engine.now()
    const origin = message.origin ?? 'none'
    const headers = kind.headersOf(row)
    const outcome = await engine.sender.send({ url: row.url, message, sign, headers, origin, signal })
    if (!signal.aborted) kind.attempted?.(row, { message, outcome, at, durationMs: engine.now() - at })
    return outcome
  }

  #pump(): void {
    const { signal, engine } = this.#options
    while (!signal.aborted) {
      const endpoint = this.#lanes.take()
      if (!endpoint) return
      endpoint.isRunning = true
      const lane = this.#lanes.begin(endpoint)
      const run = this.#run(endpoint)
        .catch((err: unknown) => {
          if (signal.aborted) return
          engine.logger.error({ err, endpoint: endpoint.row.id }, 'a webhook could not be prepared')
          this.wakeLater(endpoint, endpoint.failed('connection_refused', undefined, engine.now()))
        })
        .finally(() => {
          this.#running.delete(run)
          lane.end()
          endpoint.isRunning = false
          if (endpoint.isDue && endpoint.timer === undefined && !endpoint.isRemoved) this.#lanes.add(endpoint)
          this.#pump()
        })
      this.#running.add(run)
    }
  }

  async #run(endpoint: WebhookEndpoint): Promise<void> {
    const { signal, findLease, bounds, sendEnd } = this.#options
    endpoint.isDue = false
    for (let count = 0; count < bounds.turn; count++) {
      if (signal.aborted || endpoint.isRemoved || !findLease()) return
      if (endpoint.whole.row.ending !== null) return endpoint.backlogOf ? undefined : sendEnd(endpoint)
      const next = await endpoint.next(signal)
      if (endpoint.isRemoved || signal.aborted) return
      if (endpoint.unstored >= quietFacts) this.places.note(endpoint)
      if (endpoint.isCaughtUp) return this.#endBacklog(endpoint)
      if (!next) return
      if (!(await this.#deliver(endpoint, next))) return
    }
    endpoint.isDue = true
  }

  /** Ends a backlog that has caught up; the endpoint delivers what follows. */
  #endBacklog(backlog: WebhookEndpoint): void {
    this.backlogs.end(backlog)
    this.places.forget(backlog)
    this.wakeUnlessWaiting(backlog.whole)
  }

  /** @returns Whether the next message may follow. */
  async #deliver(endpoint: WebhookEndpoint, next: NextMessage): Promise<boolean> {
    const { engine, signal, end } = this.#options
    const { observe, now } = engine
    const outcome = await this.attempt(endpoint, next.message)
    // An aborted attempt has no outcome, and an endpoint that has ended is sent nothing more.
    if (signal.aborted || endpoint.isRemoved) return false
    if (endpoint.whole.row.ending !== null) return true
    if (outcome.kind === 'retry') return this.#wait(endpoint, next, outcome)
    if (outcome.kind === 'gone' && endpoint.kind.gone === 'endpoint') {
      end(endpoint.whole, { why: 'gone', detail: 'It answered 410.' })
      return true
    }
    if (outcome.kind === 'sent') endpoint.succeeded(new Date(now()).toISOString())
    if (next.isGap) endpoint.passGap(next.number)
    else endpoint.reach(next.number)
    observe(outcome.kind !== 'sent' ? 'abandoned' : next.isGap ? 'gap' : 'delivered')
    this.places.note(endpoint)
    return true
  }

  async #wait(
    endpoint: WebhookEndpoint,
    next: NextMessage,
    outcome: WebhookOutcome & { kind: 'retry' },
  ): Promise<boolean> {
    const { engine, end } = this.#options
    const { observe, now } = engine
    observe('retried')
    const since = endpoint.row.failing_since
    if (since !== null && now() - Date.parse(since) > givenUpMs) {
      const detail = `It accepted nothing${endpoint.backlogOf ? ' of one account' : ''} for three days.`
      end(endpoint.whole, { why: 'failed', detail })
      return true
    }
    if (this.backlogs.mayBegin(endpoint, next, outcome)) {
      const begun = await this.backlogs.begin(endpoint, next, outcome, now())
      if (endpoint.isRemoved) return false
      if (begun) {
        this.wakeLater(begun.backlog, begun.delay)
        endpoint.passOn(next.number)
        for (const each of [begun.backlog, endpoint]) this.places.note(each)
        return true
      }
    }
    this.wakeLater(endpoint, endpoint.failed(outcome.fault, outcome.afterMs, now()))
    this.places.note(endpoint)
    return false
  }
}

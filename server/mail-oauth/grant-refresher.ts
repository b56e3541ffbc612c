/**
 * Refreshes access tokens ahead of their end, for accounts in use, a few in parallel; deletes grants that no account
 * uses.
 */
import type { Lease } from '../platform/lease.ts'
import type { Logger } from '../platform/logger.ts'
import { Problem } from '../platform/problem.ts'
import { isoOf, type TimerClock } from '../platform/timer-clock.ts'
import type { GrantKeeper } from './grant-keeper.ts'
import type { OAuthStore } from './oauth-store.ts'
import { requestsAtATime } from './provider-pace.ts'

export interface GrantRefresherOptions {
  store: Pick<OAuthStore, 'listDue' | 'firstDue' | 'deleteWaiting'>
  keeper: Pick<GrantKeeper, 'refreshAhead' | 'restsUntil'>
  clock: TimerClock
  /** True if no sign-in is possible anywhere, so that there is nothing to do. */
  isIdle(): boolean
  /** The lease that lets one process do this. */
  lease(): Lease | undefined
  logger: Logger
}

/** Upper bound of the time between two polls, in ms, since changes by other processes are not announced. */
const mostMs = 60_000
/** Lower bound of the time between two polls, in ms, so that failing refreshes do not keep it busy. */
const leastMs = 1_000
/** Grants of each provider per batch. */
const batchSize = 200
/** How long a grant without an account is kept, in ms. */
const waitingLifeMs = 60 * 60_000

export class GrantRefresher {
  readonly #options: GrantRefresherOptions
  readonly #stopped = new AbortController()
  #callOff: () => void = () => undefined
  #running: Promise<void> = Promise.resolve()

  constructor(options: GrantRefresherOptions) {
    this.#options = options
  }

  start(): void {
    this.#later(leastMs)
  }

  /** Waits for what is in flight. */
  async stop(): Promise<void> {
    this.#stopped.abort()
    this.#callOff()
    await this.#running
  }

  #later(ms: number): void {
    if (this.#stopped.signal.aborted) return
    this.#callOff = this.#options.clock.after(ms, () => {
      this.#running = this.#round()
    })
  }

  /** Never rejects. */
  async #round(): Promise<void> {
    const { store, clock, isIdle, lease, logger } = this.#options
    let restMs = mostMs
    try {
      if (!isIdle() && lease()) {
        await store.deleteWaiting(isoOf(clock.now() - waitingLifeMs))
        const before = await store.firstDue()
        await Promise.all([...before].map(due => this.#refreshDue(...due)))
        for (const [provider, at] of await store.firstDue()) {
          restMs = Math.min(restMs, Math.max(Date.parse(at), this.#restsUntil(provider)) - clock.now())
        }
      }
    } catch (err) {
      logger.warn({ err }, 'access tokens could not be refreshed ahead of their end')
    }
    this.#later(Math.min(Math.max(restMs, leastMs), mostMs))
  }

  /** Refreshes the grants of one provider. A login that needs a token never waits behind more than these few. */
  async #refreshDue(provider: string, firstAt: string): Promise<void> {
    const { store, clock } = this.#options
    const now = isoOf(clock.now())
    // Nothing is refreshed ahead while the provider rests.
    const isResting = () => clock.now() < this.#restsUntil(provider)
    if (firstAt > now || isResting()) return
    const left = await store.listDue(provider, now, batchSize)
    const work = async () => {
      for (let id = left.shift(); id && !isResting() && !this.#stopped.signal.aborted; id = left.shift()) {
        await this.#refreshOne(id)
      }
    }
    await Promise.all(Array.from({ length: requestsAtATime }, work))
  }

  #restsUntil(provider: string): number {
    return this.#options.keeper.restsUntil(provider)
  }

  async #refreshOne(grantId: string): Promise<void> {
    const { keeper, logger } = this.#options
    try {
      await keeper.refreshAhead(grantId)
    } catch (error) {
      // The grant records the problem, and a login retries.
      if (!(error instanceof Problem)) logger.warn({ err: error, grant: grantId }, 'access was not refreshed')
    }
  }
}

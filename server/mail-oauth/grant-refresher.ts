/** Refreshes access tokens ahead of their end, for accounts that are in use, a few at a time; deletes grants of which no account was made. */
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
  /** Nobody can sign in anywhere: then there is nothing to look at. */
  isIdle(): boolean
  /** One process does this. */
  lease(): Lease | undefined
  logger: Logger
}

/** It is looked this often at least: what another process has changed is not heard. */
const mostMs = 60_000
/** Between two looks, so that what cannot be refreshed does not keep it busy. */
const leastMs = 1_000
/** Of each provider, looked at together. */
const batchSize = 200
/** A grant without an account is kept this long. */
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

  /** What is under way is awaited. */
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

  /** Of one provider. Logins that wait for a token never wait behind more than these few. */
  async #refreshDue(provider: string, firstAt: string): Promise<void> {
    const { store, clock } = this.#options
    const now = isoOf(clock.now())
    // While it rests, nothing is asked ahead.
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
      // The grant says it; a login tries it again.
      if (!(error instanceof Problem)) logger.warn({ err: error, grant: grantId }, 'access was not refreshed')
    }
  }
}

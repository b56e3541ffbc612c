/**
 * Has mail that arrives for accounts that sent something lately looked at for reports of failed deliveries. How far it got is in the database,
 * written behind the look: what a crash comes between is looked at again after the next start.
 */
import type { EventHub } from '../events/event-hub.ts'
import type { Logger } from '../platform/logger.ts'
import { isStopping } from '../platform/problem.ts'
import type { TimerClock } from '../platform/timer-clock.ts'
import type { BounceCursorStore } from './bounce-cursor-store.ts'
import { type Arrival, BounceLook, type BounceLookOptions, reportedMs } from './bounce-look.ts'
import { looksLikeBounce } from './bounce-report.ts'

export interface BounceWatcherOptions extends BounceLookOptions {
  hub: Pick<EventHub, 'transact' | 'listen'>
  cursors: BounceCursorStore
  /** The newest arrivals in the event log, newest first; without sender and subject, which it does not hold. */
  newestArrivals(limit: number): Promise<Numbered[]>
  clock: TimerClock
  logger: Logger
}

export interface Numbered {
  /** Of the fact in the event log. */
  number: number
  arrival: Arrival
}

/** Messages that are known and not looked at yet; after a start, those of the log that are looked at again. */
const mostWaiting = 200
const mostMissed = 500
/** A mail server that was away is asked again after so long. */
const retryMs = 5 * 60_000
/** So far what is in the database may be behind; what is looked at twice is marked once. */
const saveMs = 10_000

export class BounceWatcher {
  readonly #options: BounceWatcherOptions
  readonly #look: BounceLook
  readonly #waiting: Numbered[] = []
  /** Whose mail server was away. */
  readonly #failed: Numbered[] = []
  /** By account, up to where all is known; what waits or failed is before it. */
  readonly #heard = new Map<string, number>()
  readonly #stopped = new AbortController()
  #looking: Numbered | undefined
  #unsubscribe: () => void = () => undefined
  #running: Promise<void> | undefined
  #saving: Promise<void> = Promise.resolve()
  #callOffRetry: (() => void) | undefined
  #callOffSave: (() => void) | undefined

  constructor(options: BounceWatcherOptions) {
    this.#options = options
    this.#look = new BounceLook(options)
  }

  async start(): Promise<void> {
    const { hub, cursors, newestArrivals, clock } = this.#options
    this.#unsubscribe = hub.listen('mail_received', (arrival, number) => this.#hear({ number, arrival }))
    const looked = await cursors.list()
    const since = clock.now() - reportedMs
    for (const missed of (await newestArrivals(mostMissed)).reverse()) {
      const { account_id: accountId, at } = missed.arrival
      if (missed.number > (looked.get(accountId) ?? 0) && Date.parse(at) >= since) this.#add(missed, mostMissed)
    }
  }

  async stop(): Promise<void> {
    this.#stopped.abort()
    this.#unsubscribe()
    this.#callOffRetry?.()
    this.#callOffSave?.()
    await this.#running
    await this.#saving
    await this.#save()
  }

  /** Once what has arrived is looked at. */
  async idle(): Promise<void> {
    await this.#running
  }

  #hear(heard: Numbered): void {
    const { from, subject, account_id: accountId } = heard.arrival
    if (looksLikeBounce(from?.email ?? undefined, subject ?? undefined)) this.#add(heard, mostWaiting)
    else this.#passed(accountId, heard.number)
  }

  #add(one: Numbered, most: number): void {
    // Reports can be forged in any number: more are not looked at, and nothing depends on them.
    if (this.#waiting.length < most) this.#waiting.push(one)
    this.#passed(one.arrival.account_id, one.number)
    this.#running ??= this.#work()
  }

  #passed(accountId: string, number: number): void {
    this.#heard.set(accountId, Math.max(number, this.#heard.get(accountId) ?? 0))
    this.#callOffSave ??= this.#options.clock.after(saveMs, () => {
      this.#callOffSave = undefined
      this.#saving = this.#save()
    })
  }

  async #work(): Promise<void> {
    const { signal } = this.#stopped
    while (!signal.aborted) {
      this.#looking = this.#waiting.shift()
      if (!this.#looking) {
        // In the same step as the last look: what comes from here on begins again.
        this.#running = undefined
        return
      }
      const { arrival } = this.#looking
      try {
        await this.#look.look(arrival, signal)
      } catch (err) {
        if (signal.aborted || isStopping(err)) return
        const { account_id, folder, uid } = arrival
        this.#options.logger.info({ err, account_id, folder, uid }, 'a message that may be a bounce could not be read')
        this.#retryLater(this.#looking)
      }
      this.#looking = undefined
    }
  }

  #retryLater(failed: Numbered): void {
    const { clock } = this.#options
    if (Date.parse(failed.arrival.at) < clock.now() - reportedMs || this.#failed.length >= mostWaiting) return
    this.#failed.push(failed)
    this.#callOffRetry ??= clock.after(retryMs, () => {
      this.#callOffRetry = undefined
      for (const one of this.#failed.splice(0)) this.#add(one, mostMissed)
    })
  }

  /** Never rejects: what is not saved is looked at again. */
  async #save(): Promise<void> {
    const { cursors, logger } = this.#options
    const open = [...this.#waiting, ...this.#failed, ...(this.#looking ? [this.#looking] : [])]
    const rows = [...this.#heard].map(([account_id, heard]) => {
      const own = open.flatMap(({ number, arrival }) => (arrival.account_id === account_id ? [number - 1] : []))
      return { account_id, number: Math.min(heard, ...own) }
    })
    try {
      await cursors.save(rows)
      // What is not looked at yet is saved when it is.
      for (const { account_id, number } of rows) {
        if (this.#heard.get(account_id) === number) this.#heard.delete(account_id)
      }
    } catch (err) {
      logger.info({ err }, 'how far mail was looked through for reports could not be stored')
    }
  }
}

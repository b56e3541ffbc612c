/**
 * Has new mail checked for bounces, in accounts that sent something recently. The cursor in the database is written
 * after the check, so a message that a crash interrupted is checked again after the next start.
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
  /** Returns the newest arrivals in the event log, newest first; the log holds neither sender nor subject. */
  newestArrivals(limit: number): Promise<Numbered[]>
  clock: TimerClock
  logger: Logger
}

export interface Numbered {
  /** Number of the fact in the event log. */
  number: number
  arrival: Arrival
}

/** Messages waiting to be checked; and, after a start, the messages from the log that are checked again. */
const mostWaiting = 200
const mostMissed = 500
/** Pause before a message is retried whose mail server was unreachable. */
const retryMs = 5 * 60_000
/** How far the stored cursor may lag behind; marking a message twice is a no-op. */
const saveMs = 10_000

export class BounceWatcher {
  readonly #options: BounceWatcherOptions
  readonly #look: BounceLook
  readonly #waiting: Numbered[] = []
  /** Messages whose mail server was unreachable. */
  readonly #failed: Numbered[] = []
  /** Number of the newest known arrival by account; waiting and failed messages are at or before it. */
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
    this.#unsubscribe = hub.listen('mail_received', (arrival, number) => this.#onArrival({ number, arrival }))
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

  /** Resolves once everything that has arrived is checked. */
  async idle(): Promise<void> {
    await this.#running
  }

  #onArrival(heard: Numbered): void {
    const { from, subject, account_id: accountId } = heard.arrival
    if (looksLikeBounce(from?.email ?? undefined, subject ?? undefined)) this.#add(heard, mostWaiting)
    else this.#passed(accountId, heard.number)
  }

  #add(one: Numbered, most: number): void {
    // Reports can be forged in any number: past the bound they are skipped, and nothing depends on them.
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
        // Cleared in the same step as the last check, so that a message added later starts a new run.
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

  /** Saves the cursors. Never rejects: messages after an unsaved cursor are checked again. */
  async #save(): Promise<void> {
    const { cursors, logger } = this.#options
    const open = [...this.#waiting, ...this.#failed, ...(this.#looking ? [this.#looking] : [])]
    const rows = [...this.#heard].map(([account_id, heard]) => {
      const own = open.flatMap(({ number, arrival }) => (arrival.account_id === account_id ? [number - 1] : []))
      return { account_id, number: Math.min(heard, ...own) }
    })
    try {
      await cursors.save(rows)
      // An account with unchecked messages is saved again once they are checked.
      for (const { account_id, number } of rows) {
        if (this.#heard.get(account_id) === number) this.#heard.delete(account_id)
      }
    } catch (err) {
      logger.info({ err }, 'the position of the search for bounces could not be stored')
    }
  }
}

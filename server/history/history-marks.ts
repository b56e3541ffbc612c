/** Records events to show beside the figures: restarts, changed settings, failures of accounts, new tokens. */
import type { HistoryMark } from '../../contract/history.ts'
import type { EventHub } from '../events/event-hub.ts'
import { every } from '../platform/lifecycle.ts'
import type { Logger } from '../platform/logger.ts'
import type { HistoryStore } from './history-store.ts'
import type { MarkRow } from './history-tables.ts'

/** Marks waiting to be stored; during a storm of failures the rest is dropped, and the log says once how many. */
const maxWaiting = 200
const storeEveryMs = 10_000
const maxWords = 200

export class HistoryMarks {
  readonly #marks: Pick<HistoryStore, 'addMarks'>
  readonly #logger: Logger
  readonly #waiting = new Map<string, MarkRow>()
  #leftOut = 0
  readonly #stopped = new AbortController()
  #storing: Promise<void> | undefined
  readonly #ends: (() => void)[]

  constructor({
    store,
    hub,
    logger,
  }: { store: Pick<HistoryStore, 'addMarks'>; hub: Pick<EventHub, 'listen'>; logger: Logger }) {
    this.#marks = store
    this.#logger = logger
    this.#ends = [
      hub.listen('server_started', ({ at, version }) => this.add('restart', at, `RustyMail ${version} started.`)),
      hub.listen('configuration_updated', ({ at, changed }) =>
        this.add('settings', at, `Settings changed: ${changed.join(', ')}.`),
      ),
      hub.listen('token_created', ({ at, name }) => this.add('token', at, `The token ${name} was made.`)),
      hub.listen('webhook_disabled', ({ at, name, detail }) =>
        this.add('webhook', at, `The webhook ${name} was disabled: ${detail}`),
      ),
      hub.listen('account_state_changed', ({ at, account_id, name, state, previous, last_error }) => {
        const isTrouble = state === 'unreachable' || state === 'auth_failed'
        if (isTrouble) this.add('account', at, `${name}: ${last_error?.detail ?? state}`, account_id)
        else if (state === 'ready' && (previous === 'unreachable' || previous === 'auth_failed')) {
          this.add('account', at, `${name} is connected again.`, account_id)
        }
      }),
    ]
  }

  /** Stores marks in batches, a little later, so that nothing waits for them. */
  start(): void {
    this.#store()
    every(
      storeEveryMs,
      this.#stopped.signal,
      () => this.#store(),
      err => this.#logger.warn({ err }, 'marks of the history were not stored'),
    )
  }

  /** Marks that are not stored yet. */
  get waiting(): readonly MarkRow[] {
    return [...this.#waiting.values()]
  }

  /** Adds a mark; several processes report the same event, and one mark is stored. @param at ISO date. */
  add(kind: HistoryMark['kind'], at: string, words: string, accountId: string | null = null): void {
    if (this.#waiting.size >= maxWaiting) {
      this.#leftOut++
      return
    }
    const id = `${kind} ${at} ${accountId ?? ''}`
    const seconds = Math.floor(Date.parse(at) / 1000)
    this.#waiting.set(id, { id, at: seconds, kind, account_id: accountId, words: words.slice(0, maxWords) })
  }

  async stop(): Promise<void> {
    for (const end of this.#ends) end()
    this.#stopped.abort()
    await this.#storing
    this.#store()
    await this.#storing
  }

  #store(): void {
    if (this.#leftOut > 0) {
      this.#logger.warn({ left_out: this.#leftOut }, 'marks of the history were left out: too many waited to be stored')
      this.#leftOut = 0
    }
    if (this.#storing || this.#waiting.size === 0) return
    const rows = this.waiting
    this.#storing = this.#storeAll(rows)
      .catch((err: unknown) => this.#logger.warn({ err }, 'marks of the history were not stored; retrying'))
      .finally(() => {
        this.#storing = undefined
      })
  }

  async #storeAll(rows: readonly MarkRow[]): Promise<void> {
    await this.#marks.addMarks(rows)
    for (const { id } of rows) this.#waiting.delete(id)
  }
}

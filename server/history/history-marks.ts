/** Keeps what happened, to be seen beside the figures: restarts, changed settings, trouble of accounts, new tokens. */
import type { HistoryMark } from '../../contract/history.ts'
import type { EventHub } from '../events/event-hub.ts'
import type { Logger } from '../platform/logger.ts'
import type { HistoryStore } from './history-store.ts'

/** Marks under way at once: of a storm of troubles the rest is dropped, and said so. */
const maxUnderWay = 100
const maxWords = 200

export class HistoryMarks {
  readonly #store: Pick<HistoryStore, 'addMark'>
  readonly #logger: Logger
  readonly #underWay = new Set<Promise<void>>()
  readonly #ends: (() => void)[]

  constructor({
    store,
    hub,
    logger,
  }: { store: Pick<HistoryStore, 'addMark'>; hub: Pick<EventHub, 'listen'>; logger: Logger }) {
    this.#store = store
    this.#logger = logger
    this.#ends = [
      hub.listen('server_started', ({ at, version }) => this.add('restart', at, `RustyMail ${version} started.`)),
      hub.listen('configuration_updated', ({ at, changed }) =>
        this.add('settings', at, `Settings changed: ${changed.join(', ')}.`),
      ),
      hub.listen('token_created', ({ at, name }) => this.add('token', at, `The token ${name} was made.`)),
      hub.listen('account_state_changed', ({ at, account_id, name, state, previous, last_error }) => {
        const isTrouble = state === 'unreachable' || state === 'auth_failed'
        if (isTrouble) this.add('account', at, `${name}: ${last_error?.detail ?? state}`, account_id)
        else if (state === 'ready' && (previous === 'unreachable' || previous === 'auth_failed')) {
          this.add('account', at, `${name} is connected again.`, account_id)
        }
      }),
    ]
  }

  /** @param at ISO date. Several processes hear of the same, and keep one. */
  add(kind: HistoryMark['kind'], at: string, words: string, accountId: string | null = null): void {
    if (this.#underWay.size >= maxUnderWay) {
      this.#logger.warn({ kind }, 'a mark of the history was left out: too many are being stored')
      return
    }
    const row = {
      id: `${kind} ${at} ${accountId ?? ''}`,
      at: Math.floor(Date.parse(at) / 1000),
      kind,
      account_id: accountId,
      words: words.slice(0, maxWords),
    }
    const added: Promise<void> = this.#store
      .addMark(row)
      .catch((err: unknown) => this.#logger.warn({ err, kind }, 'a mark of the history was not stored'))
      .finally(() => this.#underWay.delete(added))
    this.#underWay.add(added)
  }

  async stop(): Promise<void> {
    for (const end of this.#ends) end()
    await Promise.all(this.#underWay)
  }
}

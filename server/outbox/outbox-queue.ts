/** Runs the outboxes of all accounts; each has its own loop, so that none delays another. */

import type { EventHub } from '../events/event-hub.ts'
import { AccountOutbox, type AccountOutboxOptions } from './account-outbox.ts'

export interface OutboxQueueOptions extends AccountOutboxOptions {
  hub: Pick<EventHub, 'transact' | 'listen'>
}

export class OutboxQueue {
  readonly #options: OutboxQueueOptions
  readonly #accounts = new Map<string, AccountOutbox>()
  readonly #stopped = new AbortController()
  #unsubscribe: (() => void)[] = []

  constructor(options: OutboxQueueOptions) {
    this.#options = options
  }

  async start(): Promise<void> {
    const { hub, store } = this.#options
    this.#unsubscribe = [
      // Includes submissions that another process accepted.
      hub.listen('delivery_changed', ({ account_id, state, sent_copy }) => {
        if (state === 'queued' || state === 'scheduled' || sent_copy === 'waiting') this.#wake(account_id)
      }),
      hub.listen('freeze_changed', () => this.lookAgain()),
      // A change of policies or approval settings may release waiting messages.
      hub.listen('token_updated', () => this.lookAgain()),
      hub.listen('configuration_updated', () => this.lookAgain()),
      hub.listen('account_updated', ({ account_id }) => {
        const changed = this.#accounts.get(account_id)?.changed()
        this.#own(changed, account_id)
      }),
      hub.listen('account_removed', ({ account_id }) => {
        const account = this.#accounts.get(account_id)
        this.#accounts.delete(account_id)
        this.#own(account?.stop(true), account_id)
      }),
    ]
    for (const accountId of await store.accountsAtWork()) this.#wake(accountId)
  }

  /** Wakes all outboxes; to be called when a freeze may have ended. */
  lookAgain(): void {
    for (const account of this.#accounts.values()) account.wake()
  }

  /** Ends the attempts in flight and writes their outcomes. */
  async stop(): Promise<void> {
    this.#stopped.abort()
    for (const unsubscribe of this.#unsubscribe.splice(0)) unsubscribe()
    await Promise.all([...this.#accounts.values()].map(account => account.stop()))
    this.#accounts.clear()
  }

  #wake(accountId: string): void {
    if (this.#stopped.signal.aborted) return
    const account = this.#accounts.get(accountId) ?? new AccountOutbox(accountId, this.#options)
    this.#accounts.set(accountId, account)
    account.wake()
  }

  #own(ended: Promise<void> | undefined, accountId: string): void {
    const { logger } = this.#options
    ended?.catch((err: unknown) => logger.error({ err, account_id: accountId }, 'an outbox did not stop'))
  }
}

/**
 * Forwards the facts that an index wrote in its own transactions to the event log, in order, each exactly once. The
 * number of the last one is stored in the same transaction, so that a crash before their deletion repeats none.
 */
import type { Fact } from '../../contract/event.ts'
import type { EventHub } from '../events/event-hub.ts'
import type { IndexOperations } from '../index/index-operations.ts'
import type { OutgoingFact } from '../index/index-types.ts'
import type { Database } from '../platform/database/database.ts'

declare module '../platform/database/tables.ts' {
  interface Tables {
    index_facts: { account_id: string; number: number }
  }
}

export interface IndexFactsOptions {
  db: Database
  hub: Pick<EventHub, 'transact'>
  /** The account's index. */
  index: Pick<IndexOperations, 'listOutgoing' | 'deleteOutgoing'>
}

/** Facts per transaction of the event log. */
const batchSize = 100

/** Forwards the facts of one account. */
export class IndexFacts {
  readonly #options: IndexFactsOptions
  readonly #accountId: string
  #lowest: number | undefined

  constructor(accountId: string, options: IndexFactsOptions) {
    this.#accountId = accountId
    this.#options = options
  }

  /** Returns the lowest number for new facts: above all forwarded ones, even in a newly created index. */
  async lowest(): Promise<number> {
    this.#lowest ??= (await this.#forwarded(this.#options.db)) + 1
    return this.#lowest
  }

  /** Drops the cached number, since another process may have forwarded facts meanwhile. */
  forget(): void {
    this.#lowest = undefined
  }

  /** Forwards all facts. @throws when the account is deleted, or this process lost its lease. */
  async forward(): Promise<void> {
    const { hub, index } = this.#options
    for (;;) {
      const facts = await index.listOutgoing(0, batchSize)
      const last = facts.at(-1)?.number
      if (last === undefined) return
      await hub.transact(async (transaction, publish) => {
        const forwarded = await this.#forwarded(transaction)
        const fresh = facts.filter(({ number }) => number > forwarded)
        if (fresh.length === 0) return
        await this.#save(transaction, last)
        const at = new Date().toISOString()
        for (const fact of fresh) publish(toFact(this.#accountId, fact, at))
      })
      this.#lowest = Math.max(await this.lowest(), last + 1)
      await index.deleteOutgoing(last)
    }
  }

  async #forwarded(db: Database): Promise<number> {
    const row = await db
      .selectFrom('index_facts')
      .select('number')
      .where('account_id', '=', this.#accountId)
      .executeTakeFirst()
    return row?.number ?? 0
  }

  async #save(transaction: Database, number: number): Promise<void> {
    await transaction
      .insertInto('index_facts')
      .values({ account_id: this.#accountId, number })
      .onConflict(conflict => conflict.column('account_id').doUpdateSet({ number }))
      .execute()
  }
}

/** Facts omit texts of strangers: mail is stored in the index only. */
function toFact(accountId: string, fact: OutgoingFact, at: string): Fact {
  const about = { account_id: accountId, at }
  switch (fact.type) {
    case 'mail_changed': {
      const messages = fact.data.messages.map(({ id, thread_id, uid, flags, size_bytes }) => ({
        id,
        thread_id,
        uid,
        flags,
        size_bytes,
      }))
      return { type: fact.type, data: { ...about, folder: fact.data.path, messages } }
    }
    case 'mail_removed':
      return { type: fact.type, data: { ...about, messages: fact.data.messages } }
    case 'folder_changed': {
      const { path, ...data } = fact.data
      return { type: fact.type, data: { ...about, folder: path, ...data } }
    }
  }
}

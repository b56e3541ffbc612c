/** The event log in the database. Numbers come from a counter row, so they follow the order of commits. */
import { sql } from 'kysely'
import type { Database } from '../platform/database/database.ts'
import type { EventRow } from '../platform/database/tables.ts'

export type NewEvent = Pick<EventRow, 'type' | 'account_id' | 'data' | 'at'>

/** Where a log begins and ends. */
export interface LogBounds {
  epoch: string
  /** Number of the newest fact; 0 while there is none. */
  newest: number
  /** Number of the oldest fact held; `newest + 1` while there is none. */
  oldest: number
}

/** What a view lets through. */
export interface Seen {
  readonly types: readonly string[]
  /** Undefined for all; facts of no account are seen in any case. */
  readonly accounts: readonly string[] | undefined
}

export interface SeenRange {
  after: number
  upTo: number
  limit: number
  most: number
}

/** Rows of one INSERT: five values each, far below the limits of both databases. */
const insertRows = 500

export class EventStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  async bounds(): Promise<LogBounds> {
    const { epoch, newest } = await this.#db
      .selectFrom('event_counter')
      .selectAll()
      .where('id', '=', 1)
      .executeTakeFirstOrThrow()
    const row = await this.#db.selectFrom('events').select('number').orderBy('number').limit(1).executeTakeFirst()
    return { epoch, newest, oldest: row?.number ?? newest + 1 }
  }

  /**
   * Numbers and inserts, inside the transaction of the caller, which should end soon: on PostgreSQL the counter row stays
   * locked until it does, so that nobody gets a later number and commits before. Answers the number of the first.
   */
  async append(transaction: Database, events: readonly NewEvent[]): Promise<number> {
    const { newest } = await transaction
      .updateTable('event_counter')
      .set({ newest: sql<number>`newest + ${events.length}` })
      .where('id', '=', 1)
      .returning('newest')
      .executeTakeFirstOrThrow()
    const first = newest - events.length + 1
    for (let start = 0; start < events.length; start += insertRows) {
      const rows = events
        .slice(start, start + insertRows)
        .map((event, index) => ({ number: first + start + index, ...event }))
      await transaction.insertInto('events').values(rows).execute()
    }
    return first
  }

  /** A transaction of its own around the work. */
  async transact<Result>(work: (transaction: Database) => Promise<Result>): Promise<Result> {
    return this.#db.transaction().execute(work)
  }

  /** Waits until no other such transaction is under way, and keeps others waiting until this one ends. */
  async lock(transaction: Database): Promise<void> {
    await transaction.updateTable('event_counter').set({ id: 1 }).where('id', '=', 1).execute()
  }

  /** What follows after a number, in order. */
  async list(after: number, limit: number): Promise<EventRow[]> {
    return this.#db
      .selectFrom('events')
      .selectAll()
      .where('number', '>', after)
      .orderBy('number')
      .limit(limit)
      .execute()
  }

  /**
   * The first `limit` of those after a number and up to another that are seen, in order, and how many are seen in all: one
   * statement, over indexes alone but for the rows that it answers. Past `most` it stops counting, and the rows are not the first.
   */
  async readSeen({ types, accounts }: Seen, range: SeenRange): Promise<{ rows: EventRow[]; found: number }> {
    if (types.length === 0) return { rows: [], found: 0 }
    const ofTypes = this.#db
      .selectFrom('events')
      .select('number')
      .where('type', 'in', types)
      .where('number', '>', range.after)
      .where('number', '<=', range.upTo)
    const ofNone = ofTypes.where('account_id', 'is', null)
    const ofAccounts =
      accounts && accounts.length > 0 ? ofNone.unionAll(ofTypes.where('account_id', 'in', accounts)) : ofNone
    // Without an order, so that either database may stop at `most`.
    const seen = (accounts ? ofAccounts : ofTypes).as('seen')
    const found = await this.#db
      .with(
        cte => cte('some').materialized(),
        db => db.selectFrom(seen).select('number').limit(range.most),
      )
      .selectFrom('events')
      .selectAll()
      .select(({ selectFrom }) =>
        selectFrom('some')
          .select(({ fn }) => fn.countAll<number>().as('all'))
          .as('found'),
      )
      .where('number', 'in', ({ selectFrom }) =>
        selectFrom('some').select('number').orderBy('number').limit(range.limit),
      )
      .orderBy('number')
      .execute()
    return { rows: found, found: Number(found[0]?.found ?? 0) }
  }

  /** The number from which on facts are to be kept: the newest `keep`, without what is from before `before` at the old end. */
  async firstToKeep(keep: number, before: string): Promise<number> {
    const { newest } = await this.bounds()
    const young = await this.#db
      .selectFrom('events')
      .select('number')
      .where('at', '>=', before)
      .orderBy('number')
      .limit(1)
      .executeTakeFirst()
    return Math.max(newest - keep + 1, young?.number ?? newest + 1)
  }

  /** Forgets what is older than a number. */
  async forgetBefore(number: number): Promise<void> {
    await this.#db.deleteFrom('events').where('number', '<', number).execute()
  }
}

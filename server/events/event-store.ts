/** The event log in the database. Numbers come from a counter row, so they follow the order of commits. */
import { type Expression, type SqlBool, sql } from 'kysely'
import type { Database } from '../platform/database/database.ts'
import { later } from '../platform/database/later.ts'
import { Prepared } from '../platform/database/prepared.ts'
import type { EventRow } from './event-tables.ts'
import { type FactOwner, ownedType, ownerPatterns } from './fact-owners.ts'

export type NewEvent = Omit<EventRow, 'number'>

/** Where a log begins and ends. */
export interface LogBounds {
  epoch: string
  /** Number of the newest fact; 0 while there is none. */
  newest: number
  /** From this number on every fact is held; `newest + 1` while there is none. */
  oldest: number
}

/** What a view lets through. */
export interface Seen {
  readonly types: readonly string[]
  /** Undefined for all; facts of no account are seen in any case. */
  readonly accounts: readonly string[] | undefined
  /** Of facts that are somebody's, whose; undefined for all. */
  readonly owner?: FactOwner | undefined
}

export interface AdministrativePage {
  /** Only those with a lower number. */
  before: number
  limit: number
  /** Without facts of no account. */
  isOfAccounts: boolean
}

export interface SeenRange {
  after: number
  upTo: number
  limit: number
  most: number
}

/** Rows of one INSERT: six values each, far below the limits of both databases. */
const insertRows = 500
/** Written out, not bound: else SQLite does not know that the index of administrative facts is enough. */
const administrative = sql.lit(1)

/** Run for each transaction that tells something. */
const lockCounter = new Prepared((db: Database) =>
  db.updateTable('event_counter').set({ id: 1 }).where('id', '=', 1).returning('newest'),
)
const setNewest = new Prepared((db: Database, { newest }: { newest: number }) =>
  db.updateTable('event_counter').set({ newest }).where('id', '=', 1),
)
const insertOne = new Prepared((db: Database, row: EventRow) => db.insertInto('events').values(row))

export class EventStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  async bounds(): Promise<LogBounds> {
    return this.#db
      .selectFrom('event_counter')
      .select(['epoch', 'newest', 'oldest'])
      .where('id', '=', 1)
      .executeTakeFirstOrThrow()
  }

  /**
   * Numbers and inserts at the end of the caller's transaction: on PostgreSQL the counter row stays locked until it ends, so that nobody
   * gets a later number and commits before. Answers the number of the first.
   * @param newest Where the counter stands, if the caller has locked it and knows.
   */
  async append(transaction: Database, events: readonly NewEvent[], newest: number | undefined): Promise<number> {
    const counted = newest ?? (await this.#count(transaction, events.length)) - events.length
    const first = counted + 1
    if (newest !== undefined) await later(transaction, setNewest.with(transaction, { newest: newest + events.length }))
    const [event] = events
    if (event && events.length === 1) {
      await later(transaction, insertOne.with(transaction, { number: first, ...event }))
      return first
    }
    for (let start = 0; start < events.length; start += insertRows) {
      const rows = events
        .slice(start, start + insertRows)
        .map((event, index) => ({ number: first + start + index, ...event }))
      await later(transaction, transaction.insertInto('events').values(rows))
    }
    return first
  }

  async #count(transaction: Database, events: number): Promise<number> {
    const { newest } = await transaction
      .updateTable('event_counter')
      .set({ newest: sql<number>`newest + ${events}` })
      .where('id', '=', 1)
      .returning('newest')
      .executeTakeFirstOrThrow()
    return newest
  }

  /** A transaction of its own around the work. */
  async transact<Result>(work: (transaction: Database) => Promise<Result>): Promise<Result> {
    return this.#db.transaction().execute(work)
  }

  /**
   * Waits until no other such transaction is under way, and keeps others waiting until this one ends. Answers where the counter stands,
   * when that is known.
   */
  async lock(transaction: Database): Promise<{ newest: Promise<number> }> {
    const { answer } = await later(transaction, lockCounter.with(transaction))
    const newest = answer.then(({ rows }) => rows[0]!.newest)
    // What relies on the lock fails in its place, whether anybody asks for the number or not.
    newest.catch(() => undefined)
    return { newest }
  }

  /** Number of the first fact of this time or later; undefined where there is none. */
  async firstSince(at: string): Promise<number | undefined> {
    const { number } = await this.#db
      .selectFrom('events')
      .select(({ fn }) => fn.min('number').as('number'))
      .where('at', '>=', at)
      .executeTakeFirstOrThrow()
    return number === null ? undefined : Number(number)
  }

  /** Whether just these were appended, from that number on. */
  async holds(transaction: Database, first: number, events: readonly NewEvent[]): Promise<boolean> {
    const rows = await transaction
      .selectFrom('events')
      .select(['type', 'data'])
      .where('number', '>=', first)
      .orderBy('number')
      .limit(events.length)
      .execute()
    const isSame = (event: NewEvent, index: number) =>
      rows[index]?.type === event.type && rows[index].data === event.data
    return events.every(isSame)
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
  async readSeen({ types, accounts, owner }: Seen, range: SeenRange): Promise<{ rows: EventRow[]; found: number }> {
    if (types.length === 0) return { rows: [], found: 0 }
    const inRange = this.#db
      .selectFrom('events')
      .select('number')
      .where('number', '>', range.after)
      .where('number', '<=', range.upTo)
    const ofTypes = inRange.where('type', 'in', owner ? notOwned(types) : types)
    const ofNone = ofTypes.where('account_id', 'is', null)
    const ofAccounts =
      accounts && accounts.length > 0 ? ofNone.unionAll(ofTypes.where('account_id', 'in', accounts)) : ofNone
    // Without an order, so that either database may stop at `most`.
    const unowned = accounts ? ofAccounts : ofTypes
    // Apart, so that the others are found in an index alone.
    const seen = (owner ? unowned.unionAll(inRange.where('type', '=', ownedType).where(ownedBy(owner))) : unowned).as(
      'seen',
    )
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

  /** Administrative facts of what is seen, newest first. */
  async listNewestAdministrative({ types, accounts, owner }: Seen, page: AdministrativePage): Promise<EventRow[]> {
    if (types.length === 0) return []
    const seen = this.#db
      .selectFrom('events')
      .where('is_administrative', '=', administrative)
      .where('number', '<', page.before)
      .where('type', 'in', types)
    const ofTypes = owner ? seen.where(({ or, eb }) => or([eb('type', '!=', ownedType), ownedBy(owner)])) : seen
    const ofAccounts =
      accounts === undefined
        ? ofTypes
        : ofTypes.where(({ or, eb }) =>
            or([eb('account_id', 'is', null), ...(accounts.length > 0 ? [eb('account_id', 'in', accounts)] : [])]),
          )
    return (page.isOfAccounts ? ofAccounts.where('account_id', 'is not', null) : ofAccounts)
      .selectAll()
      .orderBy('number', 'desc')
      .limit(page.limit)
      .execute()
  }

  /** Of a type, newest first. */
  async newestOf(type: string, limit: number): Promise<EventRow[]> {
    return this.#db
      .selectFrom('events')
      .selectAll()
      .where('type', '=', type)
      .orderBy('number', 'desc')
      .limit(limit)
      .execute()
  }

  /** Says for all processes from where on every fact is held; it never goes back. */
  async setOldest(number: number): Promise<void> {
    await this.#db
      .updateTable('event_counter')
      .set({ oldest: number })
      .where('id', '=', 1)
      .where('oldest', '<', number)
      .execute()
  }

  /** From a number on, with their times. */
  async listTimes(from: number, limit: number): Promise<Pick<EventRow, 'number' | 'at'>[]> {
    return this.#db
      .selectFrom('events')
      .select(['number', 'at'])
      .where('number', '>=', from)
      .orderBy('number')
      .limit(limit)
      .execute()
  }

  /** Numbers of routine facts from one on, before another. */
  async listRoutine(from: number, before: number, limit: number): Promise<number[]> {
    const rows = await this.#db
      .selectFrom('events')
      .select('number')
      .where('number', '>=', from)
      .where('number', '<', before)
      .where('is_administrative', '=', 0)
      .orderBy('number')
      .limit(limit)
      .execute()
    return rows.map(({ number }) => number)
  }

  /** Deletes routine facts from one to another: few. */
  async forgetRoutine(first: number, last: number): Promise<void> {
    await this.#db
      .deleteFrom('events')
      .where('number', '>=', first)
      .where('number', '<=', last)
      .where('is_administrative', '=', 0)
      .execute()
  }

  /** The oldest administrative facts before a number, with their times. */
  async listAdministrative(before: number, limit: number): Promise<Pick<EventRow, 'number' | 'at'>[]> {
    return this.#db
      .selectFrom('events')
      .select(['number', 'at'])
      .where('is_administrative', '=', administrative)
      .where('number', '<', before)
      .orderBy('number')
      .limit(limit)
      .execute()
  }

  /** Number of the administrative fact that so many newer ones follow; 0 while there is none. */
  async administrativeBehind(newer: number): Promise<number> {
    const row = await this.#db
      .selectFrom('events')
      .select('number')
      .where('is_administrative', '=', administrative)
      .orderBy('number', 'desc')
      .limit(1)
      .offset(newer)
      .executeTakeFirst()
    return row?.number ?? 0
  }

  /** Deletes administrative facts up to a number: few. */
  async forgetAdministrative(last: number): Promise<void> {
    await this.#db
      .deleteFrom('events')
      .where('is_administrative', '=', administrative)
      .where('number', '<=', last)
      .execute()
  }
}

/** Never empty: an empty list is no SQL. */
function notOwned(types: readonly string[]): string[] {
  const others = types.filter(type => type !== ownedType)
  return others.length > 0 ? others : ['']
}

function ownedBy(owner: FactOwner): Expression<SqlBool> {
  const likes = ownerPatterns(owner).map(pattern => sql<SqlBool>`data like ${pattern} escape '\\'`)
  return sql<SqlBool>`(${sql.join(likes, sql` or `)})`
}

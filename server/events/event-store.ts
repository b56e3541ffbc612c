/** Store of the event log. Numbers come from a locked counter row, so they follow the order of commits. */
import { type Expression, type SqlBool, sql } from 'kysely'
import type { Database } from '../platform/database/database.ts'
import { later } from '../platform/database/later.ts'
import { Prepared } from '../platform/database/prepared.ts'
import type { EventRow } from './event-tables.ts'
import { type FactOwner, ownedType, ownerPatterns } from './fact-owners.ts'

export type NewEvent = Omit<EventRow, 'number'>

/** First and last number of the log. */
export interface LogBounds {
  epoch: string
  /** Number of the newest fact; 0 while there is none. */
  newest: number
  /** Every fact from this number on is held; `newest + 1` while there is none. */
  oldest: number
}

/** The facts that a view includes. */
export interface Seen {
  readonly types: readonly string[]
  /** Undefined for all accounts; facts without an account are always included. */
  readonly accounts: readonly string[] | undefined
  /** The owner whose facts are included, of types that have owners; undefined for all. */
  readonly owner?: FactOwner | undefined
}

export interface AdministrativePage {
  /** Only facts with a lower number are listed. */
  before: number
  limit: number
  /** Excludes facts without an account. */
  isOfAccounts: boolean
}

export interface SeenRange {
  after: number
  upTo: number
  limit: number
  most: number
}

/** Rows per INSERT: six values each, far below the parameter limits of both databases. */
const insertRows = 500
/** A literal, not a parameter, so that SQLite can use the partial index of administrative facts. */
const administrative = sql.lit(1)

/** Locks the counter; runs in each transaction that publishes facts. */
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
   * Numbers and inserts facts at the end of the caller's transaction: on PostgreSQL the counter row stays locked until
   * it ends, so no transaction gets a later number and commits earlier. Returns the number of the first.
   * @param newest Current value of the counter, if the caller has locked it and knows.
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

  /** Runs the work in its own transaction. */
  async transact<Result>(work: (transaction: Database) => Promise<Result>): Promise<Result> {
    return this.#db.transaction().execute(work)
  }

  /**
   * Locks the counter, waiting for other such transactions, until this transaction ends. Returns the counter's value as
   * a promise, since the statement may still be in flight.
   */
  async lock(transaction: Database): Promise<{ newest: Promise<number> }> {
    const { answer } = await later(transaction, lockCounter.with(transaction))
    const newest = answer.then(({ rows }) => rows[0]!.newest)
    // Avoids an unhandled rejection: if the lock fails, the statements after it fail as well.
    newest.catch(() => undefined)
    return { newest }
  }

  /** Returns the number of the first fact at or after a time; undefined if there is none. */
  async firstSince(at: string): Promise<number | undefined> {
    const { number } = await this.#db
      .selectFrom('events')
      .select(({ fn }) => fn.min('number').as('number'))
      .where('at', '>=', at)
      .executeTakeFirstOrThrow()
    return number === null ? undefined : Number(number)
  }

  /** Returns whether exactly these facts were appended from that number on. */
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

  /** Lists the facts after a number, in order. */
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
   * Reads the first `limit` visible facts of a range, in order, and the number of all: one statement, index-only but
   * for the returned rows. It stops counting at `most`; if there are more, the rows are not the first ones.
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
    // Unordered, so that the databases can stop at `most`.
    const unowned = accounts ? ofAccounts : ofTypes
    // A separate branch, so that the others need only an index.
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

  /** Lists visible administrative facts, newest first. */
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

  /** Lists facts of a type, newest first. */
  async newestOf(type: string, limit: number): Promise<EventRow[]> {
    return this.#db
      .selectFrom('events')
      .selectAll()
      .where('type', '=', type)
      .orderBy('number', 'desc')
      .limit(limit)
      .execute()
  }

  /** Records for all processes the number from which every fact is held; monotonic. */
  async setOldest(number: number): Promise<void> {
    await this.#db
      .updateTable('event_counter')
      .set({ oldest: number })
      .where('id', '=', 1)
      .where('oldest', '<', number)
      .execute()
  }

  /** Lists numbers and times of facts from a number on. */
  async listTimes(from: number, limit: number): Promise<Pick<EventRow, 'number' | 'at'>[]> {
    return this.#db
      .selectFrom('events')
      .select(['number', 'at'])
      .where('number', '>=', from)
      .orderBy('number')
      .limit(limit)
      .execute()
  }

  /** Lists the numbers of routine facts in a range; `before` is excluded. */
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

  /** Deletes routine facts in an inclusive range, which the caller keeps small. */
  async forgetRoutine(first: number, last: number): Promise<void> {
    await this.#db
      .deleteFrom('events')
      .where('number', '>=', first)
      .where('number', '<=', last)
      .where('is_administrative', '=', 0)
      .execute()
  }

  /** Lists numbers and times of the oldest administrative facts before a number. */
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

  /** Returns the number of the administrative fact with `newer` newer ones after it; 0 if there is none. */
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

  /** Deletes administrative facts up to a number; the caller keeps them few. */
  async forgetAdministrative(last: number): Promise<void> {
    await this.#db
      .deleteFrom('events')
      .where('is_administrative', '=', administrative)
      .where('number', '<=', last)
      .execute()
  }
}

/** Returns the types without owners; never empty, since `in ()` is not valid SQL. */
function notOwned(types: readonly string[]): string[] {
  const others = types.filter(type => type !== ownedType)
  return others.length > 0 ? others : ['']
}

function ownedBy(owner: FactOwner): Expression<SqlBool> {
  const likes = ownerPatterns(owner).map(pattern => sql<SqlBool>`data like ${pattern} escape '\\'`)
  return sql<SqlBool>`(${sql.join(likes, sql` or `)})`
}

/** Finds the rows that match a search, newest first, bucket by bucket until there are enough. */
import { type RawBuilder, sql } from 'kysely'
import type { IndexOwner } from './change-log.ts'
import { fixedStatement } from './fixed-statement.ts'
import { bucketOf, bucketSpan, type FullText, type Hits, type Span } from './full-text.ts'
import { isSqlite } from './index-schema.ts'
import { nextBuckets, type StatementTotals } from './next-buckets.ts'
import { rowTable } from './row-table.ts'
import { mostOrphans } from './search-beginning.ts'
import { countMarked, markedMessages, placesBetween } from './search-marks.ts'
import { noHits, type SearchPlan } from './search-sql.ts'

type Sql = RawBuilder<unknown>

interface Walk {
  hits: Hits
  span: Span
  limit: number
}

/** Upper bound on marked places that are fetched to intersect their messages with the hits. */
const mostMarked = 2_000
/** Hits checked per statement: `first` times the limit, at least `atLeast`, growing by a factor of `next` each time. */
const looks = { first: 4, next: 8, atLeast: 256 } as const

const orphansOf = fixedStatement((db, account: number) =>
  db
    .selectFrom('messages')
    .select('rowid')
    .where('account', '=', account)
    .where('orphaned_round', 'is not', null)
    .limit(({ lit }) => lit(mostOrphans + 1)),
)

export class SearchWalk {
  readonly #owner: IndexOwner
  readonly #fullText: FullText
  readonly #plan: SearchPlan
  #orphans: Promise<ReadonlySet<number>> | undefined

  constructor(owner: IndexOwner, fullText: FullText, plan: SearchPlan) {
    this.#owner = owner
    this.#fullText = fullText
    this.#plan = plan
  }

  /** Returns up to `limit` matching row ids below `end`. */
  async rows(end: number, limit: number): Promise<number[]> {
    const { first, end: last, matches } = this.#plan
    const below = Math.min(end, last)
    if (below <= first) return []
    if (matches.length === 0) return this.#walk({ hits: noHits, span: [Math.floor(first), Math.ceil(below)], limit })
    const [oldest, newest] = [bucketOf(first), bucketOf(below)]
    const sizes = await this.#sizes()
    const buckets = [...sizes.keys()].filter(each => each >= oldest && each <= newest)
    buckets.sort((one, other) => other - one)
    const found: number[] = []
    const asked: StatementTotals = { messages: 0, rows: 0, known: 0, bytes: 0 }
    for (let at = 0; at < buckets.length && found.length < limit; ) {
      const some = nextBuckets(buckets.slice(at), sizes, asked, limit)
      at += some.length
      const { rows, known, bytes } = await this.#rowsOf(some, below, limit - found.length)
      found.push(...rows)
      asked.rows += rows.length
      asked.known += known
      asked.bytes += bytes
    }
    return found
  }

  /** Returns the buckets with their sizes: infinite with SQLite, where round trips are free: each is queried alone. */
  async #sizes(): Promise<ReadonlyMap<number, number>> {
    const { db, account, answer } = this.#owner
    if (answer?.begun) return answer.begun.sizes
    if (this.#fullText.sizes) return this.#fullText.sizes(db, account)
    return new Map((await this.#fullText.buckets(db, account)).map(bucket => [bucket, Number.POSITIVE_INFINITY]))
  }

  /** @param buckets Newest first. */
  async #rowsOf(buckets: readonly number[], end: number, limit: number) {
    const { db, account } = this.#owner
    const { first, marks, match, matches } = this.#plan
    const [low, high] = [bucketSpan(buckets.at(-1)!)[0], bucketSpan(buckets[0]!)[1]]
    const span: Span = [Math.floor(Math.max(low, first)), Math.ceil(Math.min(high, end))]
    const are = marks && isSqlite(db) ? await countMarked(db, marks, span) : 'few'
    if (are === 'none') return { rows: [], known: 0, bytes: 0 }
    const hits = await this.#fullText.hits(db, account, buckets, matches)
    const all = match && hits.rows(match)
    const walk = { hits, span, limit }
    const known = matches.reduce((sum, each) => sum + (hits.rows(each)?.length ?? 0), 0)
    const rows = await (all ? this.#among(all, walk) : this.#walk(walk, are === 'few'))
    return { rows, known, bytes: hits.bytes ?? 0 }
  }

  /** Filters full-text hits known to this thread, newest first, checking only as many messages as it takes. */
  async #among(rows: readonly number[], { hits, span: [low, high], limit }: Walk): Promise<number[]> {
    const { db, account } = this.#owner
    const { marks, rest } = this.#plan
    const within = rows.filter(row => row >= low && row < high)
    if (within.length === 0) return []
    const orphans = rest === 'none' ? await this.#orphansOf() : undefined
    // No further conditions: the hits need not be joined with messages.
    if (orphans && orphans.size <= mostOrphans) return within.filter(row => !orphans.has(row)).slice(0, limit)
    const marked = marks && (await markedMessages(db, marks, [low, high], mostMarked))
    const left = marked ? within.filter(row => marked.has(row)) : within
    if (marked && rest === 'places') return left.slice(0, limit)
    const found: number[] = []
    let size = Math.max(limit * looks.first, looks.atLeast)
    for (let at = 0; at < left.length && found.length < limit; size *= looks.next) {
      const some = left.slice(at, at + size)
      at += some.length
      const span: Span = [some.at(-1)!, some[0]! + 1]
      const among = marks && !marked ? sql`t.rowid in (select p.message ${placesBetween(marks, span)}) and` : sql``
      const conditions = this.#conditions({ hits, span, isMarked: marks !== undefined, row: 't.rowid' })
      // Without the span, PostgreSQL would scan all messages for a selective condition.
      const statement = sql<{ rowid: number }>`select m.rowid as rowid from (${rowTable(some)}) t cross join messages m
        where ${among} m.account = ${account} and m.rowid = t.rowid
          and m.rowid >= ${BigInt(span[0])} and m.rowid < ${BigInt(span[1])} and ${conditions}
        order by t.rowid desc limit ${BigInt(limit - found.length)}`
      for (const { rowid } of (await statement.execute(db)).rows) found.push(rowid)
    }
    return found
  }

  #orphansOf(): Promise<ReadonlySet<number>> {
    const { db, account, answer } = this.#owner
    this.#orphans ??= answer?.begun
      ? Promise.resolve(new Set(answer.begun.orphans))
      : orphansOf(db, account).then(rows => new Set(rows.map(({ rowid }) => rowid)))
    return this.#orphans
  }

  /**
   * Walks SQLite's full-text hits, marked places, or all messages.
   * @param isMarked Whether to restrict hits to marked places.
   */
  async #walk({ hits, span, limit }: Walk, isMarked = true): Promise<number[]> {
    const { account, db } = this.#owner
    const { match } = this.#plan
    const marks = isMarked ? this.#plan.marks : undefined
    const conditions = this.#conditions({ hits, span, isMarked: marks !== undefined, row: 'm.rowid' })
    const inOrder = (name: string) => {
      const row = sql.ref(name)
      // BigInt binds as an integer; FTS5 ignores row id bounds of other types.
      return sql`m.account = ${account} and ${row} >= ${BigInt(span[0])} and ${row} < ${BigInt(span[1])} and ${conditions}
        order by ${row} desc limit ${BigInt(limit)}`
    }
    const { rows } = await sql<{ rowid: number }>`${statement()}`.execute(db)
    return rows.map(({ rowid }) => rowid)

    function statement(): Sql {
      if (match) {
        // The unary plus keeps SQLite from looking up each row in the full-text index.
        const marked = marks ? sql`+t.rowid in (select p.message ${placesBetween(marks, span)}) and` : sql``
        return sql`select m.rowid as rowid from (${hits.table(match, span)}) t cross join messages m
          where ${marked} m.rowid = t.rowid and ${inOrder('t.rowid')}`
      }
      if (marks) {
        // A message may have several marked places.
        return sql`select distinct p.message as rowid from ${marks.places} cross join messages m
          where ${marks.condition} and m.rowid = p.message and ${inOrder('p.message')}`
      }
      // In row order: without statistics, SQLite would use an index on the account and sort.
      return sql`select m.rowid as rowid from ${isSqlite(db) ? sql`messages m not indexed` : sql`messages m`} where ${inOrder('m.rowid')}`
    }
  }

  #conditions(given: Parameters<SearchPlan['conditions']>[0]): Sql {
    return sql.join([sql`m.orphaned_round is null`, ...this.#plan.conditions(given)], sql` and `)
  }
}

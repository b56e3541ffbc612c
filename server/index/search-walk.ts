/** The rows that match a search, newest first: one statement for each bucket of time, until there are enough. */
import { type RawBuilder, sql } from 'kysely'
import type { IndexOwner } from './change-log.ts'
import { bucketOf, bucketSpan, type FullText } from './full-text.ts'
import { isSqlite } from './index-schema.ts'
import { countMarked, placesBetween, type Span } from './search-marks.ts'
import type { SearchPlan } from './search-sql.ts'

type Sql = RawBuilder<unknown>

interface Walk {
  /** Undefined where no full-text hits are asked for: then all is walked at once. */
  bucket: number | undefined
  span: Span
  /** Hits are looked for among marked places; else those are a condition on each message. */
  isMarked: boolean
  limit: number
}

export class SearchWalk {
  readonly #owner: IndexOwner
  readonly #fullText: FullText
  readonly #plan: SearchPlan

  constructor(owner: IndexOwner, fullText: FullText, plan: SearchPlan) {
    this.#owner = owner
    this.#fullText = fullText
    this.#plan = plan
  }

  /** Row ids below `end`. */
  async rows(end: number, limit: number): Promise<number[]> {
    const { first, end: last, needsBucket } = this.#plan
    const below = Math.min(end, last)
    if (below <= first) return []
    if (!needsBucket) return this.#rowsOf([undefined], below, limit)
    const { db, account } = this.#owner
    const [oldest, newest] = [bucketOf(first), bucketOf(below)]
    const buckets = (await this.#fullText.buckets(db, account)).filter(each => each >= oldest && each <= newest)
    buckets.sort((one, other) => other - one)
    const found: number[] = []
    // A statement costs SQLite nothing on the way; with PostgreSQL each following one asks more buckets together.
    for (let [at, size] = [0, 1]; at < buckets.length && found.length < limit; at += size) {
      if (at > 0 && !isSqlite(db)) size *= 2
      found.push(...(await this.#rowsOf(buckets.slice(at, at + size), below, limit - found.length)))
    }
    return found
  }

  async #rowsOf(buckets: (number | undefined)[], end: number, limit: number): Promise<number[]> {
    const { db } = this.#owner
    const walks: Walk[] = []
    for (const bucket of buckets) {
      const [low, high] = bucket === undefined ? [0, Number.MAX_SAFE_INTEGER] : bucketSpan(bucket)
      const span: Span = [Math.floor(Math.max(low, this.#plan.first)), Math.ceil(Math.min(high, end))]
      const are = await this.#marked(bucket, span)
      if (are !== 'none') walks.push({ bucket, span, isMarked: are === 'few', limit })
    }
    const [statement, ...others] = walks.map(walk => this.#statement(walk))
    if (!statement) return []
    const all = [statement, ...others].map(each => sql`(${each})`)
    const together = sql`select rowid from (${sql.join(all, sql` union all `)}) every_bucket
      order by rowid desc limit ${BigInt(limit)}`
    const { rows } = await sql<{ rowid: number }>`${others.length === 0 ? statement : together}`.execute(db)
    return rows.map(({ rowid }) => rowid)
  }

  async #marked(bucket: number | undefined, span: Span): Promise<'none' | 'few' | 'many'> {
    const { marks } = this.#plan
    if (!marks) return 'many'
    // Where nothing else is asked for, all of them are hits.
    if (bucket === undefined) return 'few'
    const { db } = this.#owner
    // PostgreSQL makes a hash of them, which costs less than to look at the places of each hit, however many they are.
    return isSqlite(db) ? countMarked(db, marks, span) : 'few'
  }

  /** Full-text hits are walked, marked places, or all messages. */
  #statement({ bucket, span, isMarked, limit }: Walk): Sql {
    const { account, db } = this.#owner
    const marks = isMarked ? this.#plan.marks : undefined
    const hasHits = this.#plan.match !== undefined && bucket !== undefined
    // PostgreSQL drops hits before it looks for their messages, where it can; SQLite would look for each in the full-text index.
    const textRow = hasHits && !isSqlite(db) ? 't.rowid' : 'm.rowid'
    const conditions = [
      sql`m.account = ${account} and m.orphaned_round is null`,
      ...this.#plan.conditions(bucket ?? 0, isMarked, textRow),
    ]
    const inOrder = (name: string) => {
      const row = sql.ref(name)
      // As integers: FTS5 looks at no others.
      const within = sql`${row} >= ${BigInt(span[0])} and ${row} < ${BigInt(span[1])}`
      // Marked places are within it; told twice, PostgreSQL takes the hits for few, and looks for the place of each.
      const all = marks && name === 't.rowid' && !isSqlite(db) ? conditions : [within, ...conditions]
      return sql`${sql.join(all, sql` and `)} order by ${row} desc limit ${BigInt(limit)}`
    }
    if (this.#plan.match && bucket !== undefined) {
      const hits = this.#fullText.hits(account, bucket, this.#plan.match)
      // The plus keeps SQLite from looking up each of them in the full-text index.
      const marked = marks ? sql`+t.rowid in (select p.message ${placesBetween(marks, span)}) and` : sql``
      return sql`select m.rowid as rowid from (${hits}) t cross join messages m
        where ${marked} m.rowid = t.rowid and ${inOrder('t.rowid')}`
    }
    if (marks) {
      // A message may have several of them.
      return sql`select distinct p.message as rowid from ${marks.places} cross join messages m
        where ${marks.condition} and m.rowid = p.message and ${inOrder('p.message')}`
    }
    // By row: SQLite, without statistics, takes an index by account and sorts.
    const table = isSqlite(db) ? sql`messages m not indexed` : sql`messages m`
    return sql`select m.rowid as rowid from ${table} where ${inOrder('m.rowid')}`
  }
}

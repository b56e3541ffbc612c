/** Searches one account's index: newest first, or the best of the newest thousand; with what is said of all hits, and snippets. */
import { sql } from 'kysely'
import type { IndexOwner } from './change-log.ts'
import { bucketOf, bucketSpan, type FullText } from './full-text.ts'
import { messagesAtRows } from './index-lists.ts'
import { reachOf } from './index-reach.ts'
import { isSqlite } from './index-schema.ts'
import { facetsOf, factsOf, type HitFacts, Ranking } from './search-rank.ts'
import { planOf, type SearchPlan } from './search-sql.ts'
import { foldersIn } from './search-tree.ts'
import type { FoundPlaces, HitPlace, IndexSearch, SearchAnswer, SearchCursor, SearchHit } from './search-types.ts'
import { phrasesOf, snippetOf } from './snippet.ts'

/** Hits that are counted, scored and spread over facets. */
export const mostCounted = 1_000

interface Folders {
  paths: ReadonlyMap<number, string>
  idsOf(name: string): readonly number[]
}

export class SearchStore {
  readonly #owner: IndexOwner
  readonly #fullText: FullText

  constructor(owner: IndexOwner, fullText: FullText) {
    this.#owner = owner
    this.#fullText = fullText
  }

  async search(query: IndexSearch): Promise<SearchAnswer> {
    const { places, ...found } = await this.find(query)
    return { hits: await this.read(places, query), ...found }
  }

  /** For searches of several accounts, of which most hits are in no page. */
  async find(query: IndexSearch): Promise<FoundPlaces> {
    const { tree, inBody } = query
    const folders = await this.#folders()
    const { db, account } = this.#owner
    const context = { account, isSqlite: isSqlite(db), fullText: this.#fullText, inBody, foldersOf: folders.idsOf }
    const plan = planOf(tree, context)
    const found = await (query.order === 'date' ? this.#newest(query, plan) : this.#best(query, plan))
    const counted = found.all.slice(0, mostCounted)
    const facts = query.counts ? (found.facts ?? (await factsOf(this.#owner, counted))) : undefined
    return {
      places: found.page,
      nextCursor: found.nextCursor,
      top: query.order === 'rank' ? (found.all[0] ?? null) : null,
      total: query.counts ? { count: counted.length, isExact: found.all.length <= mostCounted } : null,
      facets: facts ? facetsOf(facts, folders.paths) : null,
      unknownFolders: [...new Set(foldersIn(tree))].filter(name => folders.idsOf(name).length === 0),
      reach: await reachOf(this.#owner),
    }
  }

  async #newest({ limit, cursor, counts }: IndexSearch, plan: SearchPlan): Promise<Found> {
    const from = cursor?.rowid ?? Number.MAX_SAFE_INTEGER
    // What is counted is the whole, also on later pages.
    const all = counts ? await this.#rows(plan, Number.MAX_SAFE_INTEGER, mostCounted + 1) : []
    const isCounted = counts && (cursor === undefined || all.length <= mostCounted)
    const rows = isCounted ? all.filter(rowid => rowid < from) : await this.#rows(plan, from, limit + 1)
    const page = rows.slice(0, limit)
    return {
      all,
      page: page.map(rowid => ({ rowid, score: null })),
      nextCursor: rows.length > limit ? { order: 'date', rowid: page.at(-1)! } : null,
    }
  }

  async #best({ tree, limit, cursor, now }: IndexSearch, plan: SearchPlan): Promise<Found> {
    const place = cursor?.order === 'rank' ? cursor : undefined
    const all = await this.#rows(plan, place ? place.top + 1 : Number.MAX_SAFE_INTEGER, mostCounted + 1)
    const at = place?.now ?? now
    const ranking = new Ranking(tree, at)
    const facts = await factsOf(this.#owner, all.slice(0, mostCounted))
    const scored = facts
      .map(hit => ({ rowid: hit.rowid, score: ranking.scoreOf(hit) }))
      .sort((one, other) => other.score - one.score || other.rowid - one.rowid)
    const isBehind = (hit: (typeof scored)[number]) =>
      !place || hit.score < place.score || (hit.score === place.score && hit.rowid < place.rowid)
    const rows = scored.filter(isBehind)
    const page = rows.slice(0, limit)
    const last = page.at(-1)
    return {
      all,
      facts,
      page,
      nextCursor: rows.length > limit && last ? { order: 'rank', ...last, top: place?.top ?? all[0]!, now: at } : null,
    }
  }

  /** Row ids below `end` that match, newest first: bucket after bucket, until there are enough. */
  async #rows(plan: SearchPlan, end: number, limit: number): Promise<number[]> {
    const below = Math.min(end, plan.end)
    if (below <= plan.first) return []
    if (!plan.needsBucket) return this.#rowsOf(plan, [undefined], below, limit)
    const { db, account } = this.#owner
    const [oldest, newest] = [bucketOf(plan.first), bucketOf(below)]
    const buckets = (await this.#fullText.buckets(db, account)).filter(each => each >= oldest && each <= newest)
    buckets.sort((one, other) => other - one)
    const found: number[] = []
    // A statement costs SQLite nothing on the way; with PostgreSQL each following one asks more buckets together.
    for (let [at, size] = [0, 1]; at < buckets.length && found.length < limit; at += size) {
      if (at > 0 && !isSqlite(db)) size *= 2
      found.push(...(await this.#rowsOf(plan, buckets.slice(at, at + size), below, limit - found.length)))
    }
    return found
  }

  async #rowsOf(plan: SearchPlan, buckets: (number | undefined)[], end: number, limit: number): Promise<number[]> {
    const { db } = this.#owner
    const statements = buckets.map(bucket => this.#statement(plan, bucket, end, limit))
    const [first] = statements
    const statement =
      statements.length === 1
        ? first!
        : sql`select rowid from (${sql.join(
            statements.map(each => sql`(${each})`),
            sql` union all `,
          )}) every_bucket order by rowid desc limit ${BigInt(limit)}`
    const { rows } = await sql<{ rowid: number }>`${statement}`.execute(db)
    return rows.map(({ rowid }) => rowid)
  }

  #statement(plan: SearchPlan, bucket: number | undefined, end: number, limit: number) {
    const { account } = this.#owner
    const source = this.#source(plan, bucket)
    const [low, high] = bucket === undefined ? [0, Number.MAX_SAFE_INTEGER] : bucketSpan(bucket)
    const row = sql.ref(source.row)
    const conditions = [
      // As integers: FTS5 looks at no others.
      sql`${row} >= ${BigInt(Math.floor(Math.max(low, plan.first)))}`,
      sql`${row} < ${BigInt(Math.ceil(Math.min(high, end)))}`,
      sql`m.rowid = ${row} and m.account = ${account} and m.orphaned_round is null`,
      ...plan.conditions(bucket ?? 0),
    ]
    return sql`select m.rowid as rowid from ${source.tables} where ${sql.join(conditions, sql` and `)}
      order by ${row} desc limit ${BigInt(limit)}`
  }

  /** What is walked newest first: full-text hits, the places of a folder, or all messages. */
  #source(plan: SearchPlan, bucket: number | undefined) {
    const { account } = this.#owner
    if (plan.match && bucket !== undefined) {
      const hits = this.#fullText.hits(account, bucket, plan.match)
      return { tables: sql`(${hits}) t cross join messages m`, row: 't.rowid' }
    }
    // By row: SQLite, without statistics, takes an index by account and sorts.
    if (plan.folder === undefined) {
      return { tables: isSqlite(this.#owner.db) ? sql`messages m not indexed` : sql`messages m`, row: 'm.rowid' }
    }
    const places = sql`select message from places where account = ${account} and folder = ${plan.folder}`
    return { tables: sql`(${places}) f cross join messages m`, row: 'f.message' }
  }

  /** In this order; those that are gone meanwhile are left out. */
  async read(
    places: readonly HitPlace[],
    { tree, inBody }: Pick<IndexSearch, 'tree' | 'inBody'>,
  ): Promise<SearchHit[]> {
    const rowids = places.map(({ rowid }) => rowid)
    const messages = await messagesAtRows(this.#owner, rowids)
    const phrases = inBody ? phrasesOf(tree) : []
    const texts = phrases.length === 0 ? new Map<number, Uint8Array | null>() : await this.#texts(rowids)
    return places.flatMap(place => {
      const message = messages.get(place.rowid)
      if (!message) return []
      if (!inBody) return { ...place, message: { ...message, preview: null }, snippet: null }
      return { ...place, message, snippet: snippetOf(texts.get(place.rowid) ?? null, phrases) }
    })
  }

  async #texts(rowids: readonly number[]): Promise<Map<number, Uint8Array | null>> {
    const { db, account } = this.#owner
    const rows = await db
      .selectFrom('messages')
      .select(['rowid', 'text'])
      .where('account', '=', account)
      .where('rowid', 'in', [...rowids, -1])
      .execute()
    return new Map(rows.map(({ rowid, text }) => [rowid, text]))
  }

  async #folders(): Promise<Folders> {
    const { db, account } = this.#owner
    const all = await db.selectFrom('folders').select(['id', 'path', 'role']).where('account', '=', account).execute()
    return {
      paths: new Map(all.map(({ id, path }) => [id, path])),
      idsOf: name => {
        const lower = name.toLowerCase()
        // INBOX is INBOX in any case (RFC 9051, section 5.1).
        const path = lower === 'inbox' ? 'INBOX' : name
        const named = all.filter(folder => folder.path === path)
        return (named.length > 0 ? named : all.filter(({ role }) => role === lower)).map(({ id }) => id)
      },
    }
  }
}

interface Found {
  /** The newest, up to one more than are counted. */
  all: number[]
  facts?: HitFacts[]
  page: HitPlace[]
  nextCursor: SearchCursor | null
}

/** Searches one account's index: newest first, or the best of the newest thousand; with what is said of all hits, and snippets. */
import { sql } from 'kysely'
import type { IndexOwner } from './change-log.ts'
import { bucketOf, bucketSpan, type FullText } from './full-text.ts'
import { messagesByRow } from './index-lists.ts'
import { isSqlite } from './index-schema.ts'
import type { IndexedMessage } from './index-types.ts'
import { messageIdText } from './message-identity.ts'
import { facetsOf, factsOf, type HitFacts, Ranking, type SearchFacets } from './search-rank.ts'
import { planOf, type SearchPlan } from './search-sql.ts'
import { foldersIn, type SearchNode } from './search-tree.ts'
import { phrasesOf, type Snippet, snippetIn } from './snippet.ts'
import { BlockReader } from './text-blocks.ts'

export interface IndexSearch {
  tree: SearchNode
  order: 'date' | 'rank'
  /** At most 100. */
  limit: number
  cursor?: SearchCursor
  /** False: texts are not looked into, whatever the tree says, and nothing of them is in the answer. */
  inBody: boolean
  /** Whether `total` and `facets` are wanted. */
  counts: boolean
  /** Milliseconds. */
  now: number
}

/** Where a page ended. New mail is in front of it, and moves nothing behind it. */
export type SearchCursor =
  | { order: 'date'; rowid: number }
  /** Hits are those up to `top`, their scores those of `now`. */
  | { order: 'rank'; rowid: number; score: number; top: number; now: number }

export interface SearchHit {
  message: IndexedMessage
  snippet: Snippet | null
}

export interface SearchAnswer {
  hits: SearchHit[]
  /** Null after the last one. */
  nextCursor: SearchCursor | null
  /** Null where it was not asked for. Up to a thousand it is exact. */
  total: { count: number; isExact: boolean } | null
  /** Of the hits that were counted. */
  facets: SearchFacets | null
  /** Names after `in:` that no folder of this account has. */
  unknownFolders: string[]
}

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
    const { tree, inBody } = query
    const folders = await this.#folders()
    const { db, account } = this.#owner
    const context = { account, isSqlite: isSqlite(db), fullText: this.#fullText, inBody, foldersOf: folders.idsOf }
    const plan = planOf(tree, context)
    const found = await (query.order === 'date' ? this.#newest(query, plan) : this.#best(query, plan))
    const counted = found.all.slice(0, mostCounted)
    const facts = query.counts ? (found.facts ?? (await factsOf(this.#owner, counted))) : undefined
    return {
      hits: await this.#hits(found.page, query),
      nextCursor: found.nextCursor,
      total: query.counts ? { count: counted.length, isExact: found.all.length <= mostCounted } : null,
      facets: facts ? facetsOf(facts, folders.paths) : null,
      unknownFolders: [...new Set(foldersIn(tree))].filter(name => folders.idsOf(name).length === 0),
    }
  }

  async #newest({ limit, cursor, counts }: IndexSearch, plan: SearchPlan): Promise<Found> {
    const from = cursor?.rowid ?? Number.MAX_SAFE_INTEGER
    // What is counted is the whole, also on later pages.
    const all = counts ? await this.#rows(plan, Number.MAX_SAFE_INTEGER, mostCounted + 1) : []
    const isCounted = counts && (cursor === undefined || all.length <= mostCounted)
    const rows = isCounted ? all.filter(rowid => rowid < from) : await this.#rows(plan, from, limit + 1)
    const page = rows.slice(0, limit)
    return { all, page, nextCursor: rows.length > limit ? { order: 'date', rowid: page.at(-1)! } : null }
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
      page: page.map(({ rowid }) => rowid),
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

  async #hits(rowids: readonly number[], { tree, inBody }: IndexSearch): Promise<SearchHit[]> {
    const blocks = new BlockReader(this.#owner)
    const messages = await messagesByRow(this.#owner, rowids, blocks)
    if (!inBody) return messages.map(message => ({ message: { ...message, preview: null }, snippet: null }))
    const phrases = phrasesOf(tree)
    const texts = phrases.length === 0 ? new Map<string, string>() : await this.#texts(rowids, blocks)
    return messages.map(message => ({ message, snippet: snippetIn(texts.get(message.id) ?? '', phrases) }))
  }

  /** By the ids of their messages. Their blocks were read for the previews already. */
  async #texts(rowids: readonly number[], blocks: BlockReader): Promise<Map<string, string>> {
    const { db, account } = this.#owner
    const rows = await db
      .selectFrom('messages')
      .select(['id', 'text'])
      .where('account', '=', account)
      .where('rowid', 'in', [...rowids, -1])
      .execute()
    const texts = await blocks.read(rows.map(({ text }) => text))
    return new Map(rows.map(({ id, text }) => [messageIdText(id), (text === null ? undefined : texts.get(text)) ?? '']))
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
  page: number[]
  nextCursor: SearchCursor | null
}

/** Searches one account's index, newest first or the best of the newest thousand; with totals, facets and snippets. */

import { BlockReader } from './block-reader.ts'
import type { IndexOwner } from './change-log.ts'
import type { FullText } from './full-text.ts'
import { messagesAtRows } from './index-lists.ts'
import { reachOf } from './index-reach.ts'
import { isSqlite } from './index-schema.ts'
import { forOneAnswer, namedFolders } from './named-folders.ts'
import { beginSearch } from './search-beginning.ts'
import { facetsOf, factsOf, type HitFacts, Ranking } from './search-rank.ts'
import { planOf } from './search-sql.ts'
import { foldersIn } from './search-tree.ts'
import type { FoundPlaces, HitPlace, IndexSearch, SearchAnswer, SearchCursor, SearchHit } from './search-types.ts'
import { SearchWalk } from './search-walk.ts'
import { phrasesOf, snippetIn } from './snippet.ts'

/** Upper bound on hits that are counted, scored and included in facets: the newest ones. */
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
    const search = new SearchStore(forOneAnswer(this.#owner), this.#fullText)
    const { places, ...found } = await search.find(query)
    return { hits: await search.read(places, query, query.inBody), ...found }
  }

  /** Finds hits without reading them, for searches across accounts, where most hits are not on the page. */
  async find(query: IndexSearch): Promise<FoundPlaces> {
    const { tree, inBody } = query
    if (!isSqlite(this.#owner.db)) await beginSearch(this.#owner)
    const folders = await this.#folders()
    const { db, account } = this.#owner
    const context = { account, isSqlite: isSqlite(db), inBody, foldersOf: folders.idsOf }
    const walk = new SearchWalk(this.#owner, this.#fullText, planOf(tree, context))
    const found = await (query.order === 'date' ? this.#newest(query, walk) : this.#best(query, walk))
    const counted = found.all.slice(0, mostCounted)
    const facts = query.counts === true ? (found.facts ?? (await factsOf(this.#owner, counted))) : undefined
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

  async #newest({ limit, cursor, counts }: IndexSearch, walk: SearchWalk): Promise<Found> {
    const from = cursor?.rowid ?? Number.MAX_SAFE_INTEGER
    // Totals cover the whole search on later pages too.
    const all = counts ? await walk.rows(Number.MAX_SAFE_INTEGER, mostCounted + 1) : []
    const isCounted = counts && (cursor === undefined || all.length <= mostCounted)
    const rows = isCounted ? all.filter(rowid => rowid < from) : await walk.rows(from, limit + 1)
    const page = rows.slice(0, limit)
    return {
      all,
      page: page.map(rowid => ({ rowid, score: null })),
      nextCursor: rows.length > limit ? { order: 'date', rowid: page.at(-1)! } : null,
    }
  }

  async #best({ tree, limit, cursor, now }: IndexSearch, walk: SearchWalk): Promise<Found> {
    const place = cursor?.order === 'rank' ? cursor : undefined
    const all = await walk.rows(place ? place.top + 1 : Number.MAX_SAFE_INTEGER, mostCounted + 1)
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

  /** Reads hits in this order; those removed meanwhile are left out. @param previews Whether to include previews. */
  async read(
    hits: readonly HitPlace[],
    { tree, inBody }: Pick<IndexSearch, 'tree' | 'inBody'>,
    previews: boolean,
  ): Promise<SearchHit[]> {
    const rowids = hits.map(({ rowid }) => rowid)
    const blocks = new BlockReader(this.#owner)
    const places = new Map<number, number>()
    const textAt = (rowid: number, place: number | null) => void (place !== null && places.set(rowid, place))
    const messages = await messagesAtRows(this.#owner, rowids, {
      blocks: inBody && previews ? blocks : undefined,
      textAt,
    })
    const phrases = inBody ? phrasesOf(tree) : []
    // The reader has already loaded these blocks if there are previews.
    const texts = phrases.length === 0 ? undefined : await blocks.read([...places.values()])
    const textOf = (rowid: number) => texts?.get(places.get(rowid) ?? -1) ?? ''
    return hits.flatMap(place => {
      const message = messages.get(place.rowid)
      if (!message) return []
      if (!inBody) return { ...place, message: { ...message, preview: null }, snippet: null }
      return { ...place, message, snippet: snippetIn(textOf(place.rowid), phrases) }
    })
  }

  async #folders(): Promise<Folders> {
    const all = await namedFolders(this.#owner)
    return {
      paths: new Map(all.map(({ id, path }) => [id, path])),
      idsOf: name => {
        const lower = name.toLowerCase()
        // INBOX is case-insensitive (RFC 9051, section 5.1).
        const path = lower === 'inbox' ? 'INBOX' : name
        const named = all.filter(folder => folder.path === path)
        return (named.length > 0 ? named : all.filter(({ role }) => role === lower)).map(({ id }) => id)
      },
    }
  }
}

interface Found {
  /** The newest hits, up to `mostCounted` + 1. */
  all: number[]
  facts?: HitFacts[]
  page: HitPlace[]
  nextCursor: SearchCursor | null
}

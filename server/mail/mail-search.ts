/** Searches across accounts: queries each visible one, and merges results into pages that new mail does not shift. */
import type { SearchAnswer, SearchCoverage, SearchSort } from '../../contract/mail-search.ts'
import type { MessageRefs } from '../imap/message-ref.ts'
import { parseSearch } from '../index/search-language.ts'
import type { WrittenHit } from '../index/search-types.ts'
import { JsonText } from '../platform/http/answer-text.ts'
import { maySeeAccount, type Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import type { AccountFindings, Hit, ServerOff } from './account-findings.ts'
import { AccountSearch, type AccountSearchOptions } from './account-search.ts'
import { asked } from './indexed-mail.ts'
import type { Owner } from './mail-service.ts'
import { previewOf, readPreviews } from './message-preview.ts'
import { countsOf } from './search-counts.ts'
import { compareHits, fromCursor, toCursor } from './search-order.ts'
import { inTurns } from './search-turns.ts'
import { type HitWords, toServerHit } from './server-hit-view.ts'

export interface MailSearchOptions extends AccountSearchOptions {
  refs: Pick<MessageRefs, 'encode' | 'canName' | 'encodeEnd' | 'decodeEnd'>
  /** @throws Problem when the principal may not see the account. */
  ownerOf(principal: Principal, accountId: string): Promise<Owner>
  /** Lists the accounts that the principal may see. */
  accountsOf(principal: Principal): Promise<{ id: string }[]>
  now?: () => number
}

export interface SearchQuery {
  q: string
  sort: SearchSort
  limit: number
  cursor?: string | undefined
  preview?: 'true' | 'false' | undefined
  facets?: 'true' | 'false' | undefined
  /** Requests the total without facets, which cost as much as the rest of a search. */
  total?: 'true' | undefined
  typing?: 'true' | 'false' | undefined
  server?: 'auto' | 'never' | undefined
  /** Comma-separated ids. */
  account?: string | undefined
}

/** A `SearchAnswer`: hits of the index arrive as JSON text from the thread that found them. */
export class SearchText extends JsonText {
  declare readonly text: string
}

/** Accounts searched concurrently, and accounts whose mail servers one search may query. */
const [atOnce, maxServers] = [8, 10]

export class MailSearch {
  readonly #options: MailSearchOptions
  readonly #accounts: AccountSearch

  constructor(options: MailSearchOptions, accounts = new AccountSearch(options)) {
    this.#options = options
    this.#accounts = accounts
  }

  async searchAccount(...call: Parameters<MailSearch['writeAccountSearch']>): Promise<SearchAnswer> {
    return JSON.parse((await this.writeAccountSearch(...call)).text)
  }

  async searchMail(...call: Parameters<MailSearch['writeMailSearch']>): Promise<SearchAnswer> {
    return JSON.parse((await this.writeMailSearch(...call)).text)
  }

  /** Throws when the account cannot be searched at all. */
  async writeAccountSearch(
    principal: Principal,
    accountId: string,
    query: SearchQuery,
    signal: AbortSignal,
  ): Promise<SearchText> {
    if (!maySeeAccount(principal, accountId)) throw new Problem('account_not_found', 'There is no such account.')
    const owner = await this.#options.ownerOf(principal, accountId)
    const { answer, found } = await this.#search(principal, new Map([[accountId, owner]]), query, accountId, signal)
    const [only] = found
    if (only?.coverage.answered_by === 'none') throw only.failure ?? unsearched(only.coverage)
    return answer
  }

  async writeMailSearch(principal: Principal, query: SearchQuery, signal: AbortSignal): Promise<SearchText> {
    const { accountsOf, ownerOf } = this.#options
    const seen = (await accountsOf(principal)).map(({ id }) => id).filter(id => maySeeAccount(principal, id))
    const named = query.account?.split(',')
    if (named?.some(id => !seen.includes(id))) throw new Problem('account_not_found', 'There is no such account.')
    const owners = new Map<string, Owner>()
    for (const id of named ?? seen) {
      // An account deleted meanwhile is skipped.
      const owner = await ownerOf(principal, id).catch(passGone)
      if (owner) owners.set(id, owner)
    }
    const { answer } = await this.#search(principal, owners, query, query.account ?? '', signal)
    return answer
  }

  /** @param of The requested accounts: a cursor is only valid for the same ones. */
  async #search(
    principal: Principal,
    owners: ReadonlyMap<string, Owner>,
    query: SearchQuery,
    of: string,
    signal: AbortSignal,
  ) {
    const { refs, indexerOf, now: clock = Date.now } = this.#options
    const { q, sort, limit, cursor, facets, total, typing } = query
    const inBody = principal.scopes.has('mail:read')
    const enabled = [...owners].filter(([, { revision }]) => revision !== null)
    const tree = parseSearch(q, {
      inBody,
      isOnServer: enabled.length > 0 && !enabled.some(([id]) => indexerOf(id)),
      isTyping: typing === 'true',
    })
    const list = JSON.stringify([of, q, sort, typing === 'true'])
    const end = cursor === undefined ? undefined : fromCursor(refs, list, cursor)
    const now = end?.now ?? clock()
    const counted = facets === 'true' || (total === 'true' && ('total' as const))
    const counts = cursor === undefined && counted
    const common = { tree, sort, limit, end, inBody, counts, now }
    let servers = 0
    const found = await inTurns([...owners], atOnce, ([accountId, { revision, mailbox, email }]) => {
      const isDisabled = revision === null
      const serverOff = (): ServerOff | undefined => {
        if (query.server === 'never') return 'not_asked'
        return ++servers > maxServers ? 'too_many_accounts' : undefined
      }
      const style = owners.size === 1 ? { own: email, hasPreview: inBody && query.preview === 'true' } : undefined
      return this.#accounts.find({ ...common, accountId, mailbox, style, isDisabled, serverOff }, signal)
    })
    refuseUnknown(found)
    const hits = found.flatMap(each => each.hits).sort(compareHits)
    const page = hits.slice(0, limit)
    const last = page.at(-1)
    const hasMore = hits.length > page.length || found.some(each => each.hasMore)
    const top = Math.max(...found.map(each => each.top ?? 0))
    const pageEnd = last && hasMore ? { ...last, ...(sort === 'relevance' && { top, now }) } : undefined
    const items = await this.#write(page, { query, found, owners, inBody }, signal)
    const rest: Omit<SearchAnswer, 'items'> = {
      next_cursor: pageEnd ? toCursor(refs, list, pageEnd) : null,
      ...countsOf(counts, found),
      coverage: found.map(({ coverage }) => coverage),
    }
    const answer = new SearchText(`{"items":[${items.join(',')}],${JSON.stringify(rest).slice(1)}`)
    return { answer, found }
  }

  /** Writes the page as JSON, in order; messages that are gone meanwhile are left out. */
  async #write(page: readonly Hit[], { query, found, owners, inBody }: Page, signal: AbortSignal): Promise<string[]> {
    const written = new Map<Hit, string>()
    const byAccount = Map.groupBy(page, ({ accountId }) => accountId)
    await inTurns([...byAccount], atOnce, async ([accountId, hits]) => {
      const findings = found.find(({ coverage }) => coverage.account_id === accountId)!
      const { refs } = this.#options
      const hasPreview = inBody && query.preview === 'true'
      const words: HitWords = { refs, accountId, owner: owners.get(accountId)!, hasPreview }
      await this.#writeIndexed(hits, { findings, inBody, words }, written)
      await this.#writeOnServer(hits, words, written, signal)
    })
    return page.flatMap(hit => written.get(hit) ?? [])
  }

  async #writeIndexed(
    hits: readonly Hit[],
    { findings, inBody, words }: { findings: AccountFindings; inBody: boolean; words: HitWords },
    written: Map<Hit, string>,
  ): Promise<void> {
    const indexed = new Map(hits.filter(({ kind }) => kind === 'indexed').map(hit => [hit.seconds, hit]))
    const take = ({ rowid, json }: WrittenHit) => {
      const hit = indexed.get(rowid)
      if (hit) written.set(hit, json)
      indexed.delete(rowid)
    }
    findings.written.forEach(take)
    // If the index already wrote hits, the remaining ones are gone meanwhile.
    if (indexed.size === 0 || findings.written.length > 0) return
    const places = [...indexed.values()].map(({ seconds, score }) => ({ rowid: seconds, score }))
    const { accountId, owner, hasPreview } = words
    const index = this.#options.index!.of(accountId)
    const style = { accountId, own: owner.email, hasPreview, tree: findings.tree }
    for (const each of await asked(index.writeHits(places, inBody, style))) take(each)
  }

  async #writeOnServer(
    hits: readonly Hit[],
    words: HitWords,
    written: Map<Hit, string>,
    signal: AbortSignal,
  ): Promise<void> {
    const onServer = hits.filter(hit => hit.kind === 'on_server')
    for (const [path, group] of Map.groupBy(onServer, ({ place }) => place.path)) {
      const headers = group.map(({ header }) => header)
      const { pool } = this.#options
      const previews = words.hasPreview
        ? await pool
            .run(words.accountId, 'interactive', c => readPreviews(c, path, headers), signal, path)
            .catch(noPreviews)
        : undefined
      for (const hit of group) {
        const preview = previews && previewOf(previews.get(hit.header.uid))
        written.set(hit, JSON.stringify(toServerHit(hit, preview, words)))
      }
    }
  }
}

interface Page {
  query: SearchQuery
  found: readonly AccountFindings[]
  owners: ReadonlyMap<string, Owner>
  inBody: boolean
}

/** A folder missing in all accounts is a typo, which an empty page would not show. */
function refuseUnknown(found: readonly AccountFindings[]): void {
  const [first, ...others] = found.map(({ coverage }) => coverage.unknown_folders)
  const name = first?.find(each => others.every(names => names.includes(each)))
  if (name === undefined) return
  throw new Problem('folder_not_found', `There is no folder with the path or role ${name}.`)
}

function unsearched({ omissions }: SearchCoverage): Problem {
  const [first] = omissions
  if (first?.reason === 'account_disabled') return new Problem('account_disabled', first.detail)
  return new Problem('overloaded', first?.detail ?? 'Nothing could be searched.', { retryAfterSeconds: 5 })
}

/** Missing previews must not fail the page. */
function noPreviews(error: unknown): ReadonlyMap<number, string> {
  if (error instanceof Problem && error.code !== 'draining') return new Map()
  throw error
}

function passGone(error: unknown): undefined {
  if (error instanceof Problem && error.code === 'account_not_found') return undefined
  throw error
}

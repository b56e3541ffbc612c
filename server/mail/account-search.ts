/**
 * Searches one account: its index, and its mail server for what the index lacks. Reports how much of the mail was
 * covered.
 */
import type { SearchOmission } from '../../contract/mail-search.ts'
import type { ConnectionPool } from '../imap/connection-pool.ts'
import { IndexFault } from '../index/index-fault.ts'
import type { IndexOperations } from '../index/index-operations.ts'
import type { IndexReach } from '../index/index-reach.ts'
import { foldersIn, type SearchNode } from '../index/search-tree.ts'
import type { IndexSearch, SearchCursor } from '../index/search-types.ts'
import { Problem } from '../platform/problem.ts'
import type { AccountIndexer } from '../sync/account-indexer.ts'
import {
  type AccountFindings,
  type AccountQuery,
  type Gathered,
  nothingFound,
  takeFound,
  takeServer,
  unknownOf,
} from './account-findings.ts'
import { FolderNames } from './search-folder.ts'
import { type PageEnd, secondsBelow } from './search-order.ts'
import { readServerHits } from './server-hits.ts'
import { type Candidate, omission, ServerSearch } from './server-search.ts'
import { looksIntoTexts, unaskable } from './server-terms.ts'
import { foldersToSearch, type Missing, missingIn } from './unindexed-mail.ts'

export interface AccountSearchOptions {
  pool: Pick<ConnectionPool, 'run'>
  /** Undefined where nothing is indexed. */
  index: { of(accountId: string): IndexOperations } | undefined
  /** Undefined for an account that is not indexed. */
  indexerOf(accountId: string): Followed | undefined
}

/** `mailbox` identifies the mailbox that the index belongs to. */
export type Followed = Pick<AccountIndexer, 'lookedAt' | 'isComplete' | 'hasTexts'> & { mailbox?: string }

/** Queries the index first, since only its answer shows whether the mail server must be queried. */
export class AccountSearch {
  readonly #options: AccountSearchOptions
  readonly #server: ServerSearch

  constructor(options: AccountSearchOptions, server = new ServerSearch(options.pool)) {
    this.#options = options
    this.#server = server
  }

  async find(query: AccountQuery, signal: AbortSignal): Promise<AccountFindings> {
    const findings = nothingFound(query)
    const { coverage } = findings
    if (query.isDisabled) {
      coverage.omissions.push(omission('account_disabled', 0, 'The account is disabled: its mail is not searched.'))
      return findings
    }
    await this.#searchIndex(query, findings)
    const missing = this.#missing(query, findings.reach)
    if (missing === 'nothing') coverage.answered_by = 'index'
    else await this.#searchServer(query, missing, findings, signal)
    coverage.is_complete = coverage.answered_by !== 'none' && coverage.omissions.length === 0
    if (findings.total && !coverage.is_complete) findings.total.isExact = false
    coverage.looked_at = this.#indexerOf(query)?.lookedAt ?? null
    const { reach: _reach, ...found } = findings
    return found
  }

  /** Undefined without an indexer, since accessing a missing index would create it. */
  #indexOf(query: AccountQuery): IndexOperations | undefined {
    return this.#indexerOf(query) && this.#options.index?.of(query.accountId)
  }

  /** After the account changed to another mailbox, the index holds other mail. */
  #indexerOf({ accountId, mailbox }: AccountQuery): Followed | undefined {
    const indexer = this.#options.indexerOf(accountId)
    return indexer?.mailbox === mailbox ? indexer : undefined
  }

  async #searchIndex(query: AccountQuery, findings: Gathered): Promise<void> {
    const { accountId, tree, end, style: wanted } = query
    const { coverage } = findings
    const index = this.#indexOf(query)
    if (!index) return
    try {
      const names = [...new Set(foldersIn(tree))]
      const folders = names.length > 0 ? await index.listFolders() : []
      findings.names = new FolderNames(folders)
      findings.tree = findings.names.resolve(tree)
      if (folders.length > 0) coverage.unknown_folders = unknownOf(names, findings.names)
      const style = wanted && { ...wanted, accountId, tree: findings.tree }
      const found = await index.findHits(toIndexSearch({ ...query, tree: findings.tree }), style)
      const { reach } = found
      if (!reach.hasFolders) return
      takeFound(findings, found, accountId, end)
      const { messages, texts, missing } = reach
      coverage.index = { messages, texts, incomplete_folders: missing.length }
      findings.reach = reach
    } catch (error) {
      coverage.omissions.push(failureOf(error))
    }
  }

  #missing(query: AccountQuery, reach: IndexReach | undefined): 'nothing' | 'everything' | Missing {
    if (!reach) return 'everything'
    const indexer = this.#indexerOf(query)
    // Once all texts were fetched, a missing one cannot be read.
    const isRead = indexer?.hasTexts === true && indexer.isComplete
    return missingIn(reach, looksIntoTexts(query.tree) && !isRead)
  }

  async #searchServer(
    query: AccountQuery,
    missing: 'everything' | Missing,
    findings: Gathered,
    signal: AbortSignal,
  ): Promise<void> {
    const { accountId, tree, serverOff, end, sort } = query
    const { coverage } = findings
    const hasIndex = coverage.index !== null
    coverage.answered_by = hasIndex ? 'index' : 'none'
    const off = cannot(tree) ?? serverOff()
    const why = typeof off === 'string' ? { reason: off, detail: offWords[off] } : off
    if (why) {
      const folders = missing === 'everything' || missing.textlessFrom !== null ? 0 : missing.below.length
      coverage.omissions.push(omission(why.reason, folders, why.detail))
      return
    }
    try {
      const index = hasIndex ? this.#indexOf(query) : undefined
      const folders =
        missing === 'everything' ? undefined : foldersToSearch(missing, (await index?.listFolders()) ?? [])
      const untilSecond = sort === 'date' ? end?.seconds : undefined
      const names = hasIndex ? findings.names : undefined
      const found = await this.#server.find(accountId, { tree, folders, names, untilSecond }, signal)
      takeServer(findings, found, hasIndex, query)
      await this.#readHits(query, found.candidates, findings, index, signal)
    } catch (error) {
      signal.throwIfAborted()
      coverage.omissions.push(failureOf(error))
      if (error instanceof Problem) findings.failure ??= error
    }
  }

  async #readHits(
    query: AccountQuery,
    candidates: readonly Candidate[],
    findings: Gathered,
    index: IndexOperations | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const { pool } = this.#options
    const { accountId } = query
    const { hits, isCut } = await readServerHits({ accountId, pool, index }, candidates, query, signal)
    // A message without an indexed text may be found by both.
    const known = new Set(findings.hits.map(({ seconds }) => seconds))
    const others = hits.filter(({ tie, seconds }) => tie !== '' || !known.has(seconds))
    findings.hits.push(...others.map(hit => ({ ...hit, kind: 'on_server' as const })))
    findings.hasMore ||= hits.length > query.limit
    if (!isCut) return
    const detail = 'The mail server found more messages than are read for one page; only the latest are included.'
    findings.coverage.omissions.push(omission('too_many_found', 0, detail))
  }
}

function toIndexSearch({ accountId, tree, sort, limit, end, inBody, counts, now }: AccountQuery): IndexSearch {
  const order = sort === 'date' ? ('date' as const) : ('rank' as const)
  return { tree, order, limit, inBody, counts, now, ...(end && { cursor: cursorOf(end, accountId, now) }) }
}

function cursorOf(end: PageEnd, accountId: string, now: number): SearchCursor {
  const rowid = secondsBelow(end, accountId)
  if (end.score === null) return { order: 'date', rowid }
  return { order: 'rank', rowid, score: end.score, top: end.top ?? Number.MAX_SAFE_INTEGER, now: end.now ?? now }
}

/** Returns the omission for an error; rethrows errors that fail the whole search. */
function failureOf(error: unknown): SearchOmission {
  if (error instanceof IndexFault && error.code !== 'closed') {
    return omission('index_failed', 0, 'The index is not available right now.')
  }
  if (error instanceof Problem && error.code !== 'draining') return omission('server_failed', 0, error.message)
  if (!(error instanceof IndexFault)) throw error
  throw new Problem('draining', 'RustyMail is shutting down.', { retryAfterSeconds: 5, cause: error })
}

const offWords = {
  not_asked: 'The mail server was not searched for mail that is not indexed yet.',
  too_many_accounts: 'Too many accounts are not indexed yet for one search. Search this account separately.',
} as const

function cannot(tree: SearchNode): Pick<SearchOmission, 'reason' | 'detail'> | undefined {
  const term = unaskable(tree)
  if (term === undefined) return undefined
  return { reason: 'server_cannot', detail: `A mail server cannot search for ${term} in mail that is not indexed yet.` }
}

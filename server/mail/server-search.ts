/**
 * Searches on an account's mail server what its index lacks: folder by folder, the newest matches of each, within a
 * time limit.
 */
import type { SearchOmission } from '../../contract/mail-search.ts'
import type { ConnectionPool } from '../imap/connection-pool.ts'
import type { FoundMessages } from '../imap/mail-gateway.ts'
import type { SearchTerm } from '../imap/search-term.ts'
import type { SearchNode } from '../index/search-tree.ts'
import { Problem } from '../platform/problem.ts'
import { FolderNames, type NamedFolder } from './search-folder.ts'
import { folderTerm } from './server-terms.ts'

export interface ServerFolder extends NamedFolder {
  /** Exclusive upper bound of the searched UIDs; undefined for the whole folder. */
  belowUid?: number | undefined
  /** Only mail received before this second; later mail is in the index. */
  beforeSecond?: number | undefined
}

export interface ServerQuery {
  tree: SearchNode
  /** Undefined when unknown: all that the server lists. */
  folders: readonly ServerFolder[] | undefined
  /** Names of all folders of the account; undefined uses those that the server lists. */
  names: FolderNames | undefined
  /** Later mail is on earlier pages. */
  untilSecond?: number | undefined
}

export interface Candidate {
  path: string
  uidValidity: number
  uid: number
  seconds: number
}

export interface ServerFindings {
  /** The latest first. */
  candidates: Candidate[]
  /** Matches in all folders; a message in two of them counts twice. */
  total: number
  /** Folders with matches. */
  foldersWithHits: number
  folders: number
  names: FolderNames
  omissions: SearchOmission[]
  /** Why the server could not be used, or not completely. */
  failure: Problem | undefined
}

export interface ServerSearchBounds {
  /** Folders per search. */
  maxFolders: number
  /** Newest messages by UID returned per folder. */
  maxFound: number
  maxMs: number
}

export const serverSearchBounds: ServerSearchBounds = { maxFolders: 50, maxFound: 500, maxMs: 10_000 }

const dayMs = 86_400_000
/** Problems of a single folder: the others can still be searched. */
const ofFolder: readonly string[] = ['folder_not_found', 'mail_server_refused']

export class ServerSearch {
  readonly #pool: Pick<ConnectionPool, 'run'>
  readonly #bounds: ServerSearchBounds

  constructor(pool: Pick<ConnectionPool, 'run'>, bounds: ServerSearchBounds = serverSearchBounds) {
    this.#pool = pool
    this.#bounds = bounds
  }

  /** @param signal Aborts the whole search. @throws Problem when RustyMail shuts down. */
  async find(accountId: string, query: ServerQuery, signal: AbortSignal): Promise<ServerFindings> {
    const timeUp = AbortSignal.timeout(this.#bounds.maxMs)
    const until = AbortSignal.any([signal, timeUp])
    const findings: ServerFindings = {
      candidates: [],
      total: 0,
      foldersWithHits: 0,
      folders: 0,
      names: query.names ?? new FolderNames([]),
      omissions: [],
      failure: undefined,
    }
    let left: readonly ServerFolder[] = []
    try {
      left = query.folders ?? (await this.#listFolders(accountId, until))
      findings.names = query.names ?? new FolderNames(left)
      left = left.toSorted((one, other) => rankOf(one) - rankOf(other))
      left = this.#bounded(left, query.tree, findings)
      while (left.length > 0) {
        until.throwIfAborted()
        await this.#searchFolder(accountId, left[0]!, query, findings, until)
        left = left.slice(1)
      }
    } catch (error) {
      signal.throwIfAborted()
      if (timeUp.aborted) {
        findings.omissions.push(omission('time_limit', left.length, 'The mail server did not answer in time.'))
      } else if (error instanceof Problem && error.code !== 'draining') {
        findings.failure = error
        findings.omissions.push(omission('server_failed', left.length, error.message))
      } else throw error
    }
    findings.candidates.sort((one, other) => other.seconds - one.seconds || other.uid - one.uid)
    return findings
  }

  async #listFolders(accountId: string, signal: AbortSignal): Promise<ServerFolder[]> {
    const folders = await this.#pool.run(accountId, 'interactive', c => c.listFolders(false), signal)
    return folders.filter(({ selectable }) => selectable)
  }

  /** Selects the folders that can match, up to the bound of one search. */
  #bounded(folders: readonly ServerFolder[], tree: SearchNode, findings: ServerFindings): readonly ServerFolder[] {
    const meant = folders.filter(folder => this.#termOf(folder, tree, findings.names).kind !== 'nothing')
    const { maxFolders } = this.#bounds
    if (meant.length > maxFolders) {
      const detail = `Only ${maxFolders} folders are searched on a mail server at a time. Name folders with in: to search others.`
      findings.omissions.push(omission('too_many_folders', meant.length - maxFolders, detail))
    }
    return meant.slice(0, maxFolders)
  }

  #termOf({ path }: ServerFolder, tree: SearchNode, names: FolderNames) {
    return folderTerm(tree, name => names.pathsOf(name).includes(path))
  }

  async #searchFolder(
    accountId: string,
    folder: ServerFolder,
    { tree, untilSecond }: ServerQuery,
    findings: ServerFindings,
    signal: AbortSignal,
  ): Promise<void> {
    const { path, belowUid, beforeSecond } = folder
    const asked = this.#termOf(folder, tree, findings.names)
    const bounds = [untilSecond, beforeSecond].filter(second => second !== undefined)
    const terms = [...(asked.kind === 'asked' ? [asked.term] : []), ...bounds.map(beforeTerm)]
    const term = joined(terms)
    const { maxFound } = this.#bounds
    const found = await this.#pool
      .run(accountId, 'interactive', c => c.search(path, term, maxFound, belowUid), signal, path)
      .catch((error: unknown) => noteFolder(error, path, findings))
    if (found === undefined) return
    findings.folders++
    findings.total += found.total
    if (found.total > 0) findings.foldersWithHits++
    for (const message of candidatesOf(path, found)) {
      const isLater = bounds.some(second => message.seconds > second)
      if (!isLater) findings.candidates.push(message)
    }
    if (found.total > maxFound) {
      const detail = `More than ${maxFound} messages were found in a folder; only the newest are included.`
      findings.omissions.push(omission('too_many_found', 1, detail))
    }
  }
}

/** Records a Problem of a single folder and returns undefined; rethrows others. */
function noteFolder(error: unknown, path: string, findings: ServerFindings): undefined {
  if (!(error instanceof Problem)) throw error
  if (error.code === 'folder_not_selectable') return undefined
  if (!ofFolder.includes(error.code)) throw error
  findings.omissions.push(omission('folder_unreadable', 1, `${path}: ${error.message}`))
  // The reason to report when every folder is refused.
  findings.failure ??= error
  return undefined
}

function candidatesOf(path: string, { uidValidity, found }: FoundMessages): Candidate[] {
  return found.map(({ uid, date }) => ({ path, uidValidity, uid, seconds: Math.floor(Date.parse(date) / 1000) }))
}

/** INBOX first, then in the server's order. */
function rankOf({ path }: ServerFolder): number {
  return path === 'INBOX' ? 0 : 1
}

/** Adds a day, since servers compare dates, some in their local time. */
function beforeTerm(second: number): SearchTerm {
  const day = new Date(Math.min(second * 1000 + 2 * dayMs, Date.UTC(9999, 0, 1))).toISOString().slice(0, 10)
  return { kind: 'before', day }
}

function joined(terms: readonly SearchTerm[]): SearchTerm | undefined {
  // Flattened, so that an adapter sees all terms at once.
  const all = terms.flatMap(term => (term.kind === 'and' ? term.terms : [term]))
  return all.length <= 1 ? all[0] : { kind: 'and', terms: all }
}

export function omission(reason: SearchOmission['reason'], folders: number, detail: string): SearchOmission {
  return { reason, folders, detail }
}

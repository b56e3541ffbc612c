/** Lists of folders for programs: filtered and paged, without waiting for slow counts. */
import { createHash } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import type { Folder, FolderCounts, FolderRole } from '../../contract/mail.ts'
import type { FolderCounter } from '../imap/folder-counter.ts'
import { toFolders } from '../imap/message-bounds.ts'
import { badCursor } from '../platform/list-query.ts'
import { Problem } from '../platform/problem.ts'

export interface FolderQuery {
  counts: boolean
  role?: FolderRole | undefined
  /** Substring of the path, case-insensitive. */
  name?: string | undefined
  limit: number
  cursor?: string | undefined
}

export interface FolderPage {
  items: Folder[]
  next_cursor: string | null
  omitted: number
  counts: FolderCounts
}

/** A page with its source and time. */
export interface AnsweredFolders extends FolderPage {
  source: 'index' | 'mail_server'
  as_of: string
}

export interface FolderListsOptions {
  counter: Pick<FolderCounter, 'begin' | 'settled' | 'view'>
  /** False for a folder whose messages cannot be referenced. */
  canName(path: string): boolean
  /** Milliseconds that a list waits for counts; most servers deliver them by then. */
  graceMs?: number | undefined
}

const notAsked: FolderCounts = { state: 'not_asked', pending: 0, as_of: null }

export class FolderLists {
  readonly #options: FolderListsOptions
  readonly #graceMs: number

  constructor(options: FolderListsOptions) {
    this.#options = options
    this.#graceMs = options.graceMs ?? 250
  }

  /**
   * @param folders The folders as listed by the mail server.
   * @param counted Set when they already have counts.
   * @throws Problem `stale_cursor` when the last folder of the previous page no longer exists.
   */
  async page(
    accountId: string,
    folders: readonly Folder[],
    { counts, role, name, limit, cursor }: FolderQuery,
    signal: AbortSignal,
    counted?: FolderCounts,
  ): Promise<FolderPage> {
    const { items: all, omitted } = toFolders(folders, this.#options.canName)
    const words = name?.toLowerCase() ?? ''
    const isWanted = ({ role: own, path }: Folder) =>
      (role === undefined || own === role) && path.toLowerCase().includes(words)
    const found = all.slice(cursor === undefined ? 0 : placeOf(accountId, all, cursor)).filter(isWanted)
    const shown = found.slice(0, limit)
    const last = shown.at(-1)
    const page = {
      items: shown,
      next_cursor: last && found.length > limit ? cursorOf(accountId, last) : null,
      omitted,
    }
    if (!counts) return { ...page, items: shown.map(uncounted), counts: notAsked }
    if (counted) return { ...page, counts: counted }
    const { folders: items, counts: known } = await this.#count(accountId, all, shown, signal)
    return { ...page, items, counts: known }
  }

  async #count(accountId: string, all: readonly Folder[], shown: readonly Folder[], signal: AbortSignal) {
    const { counter } = this.#options
    counter.begin(accountId, all, shown)
    if (counter.view(accountId, shown).counts.pending > 0) {
      const over = new AbortController()
      const grace = wait(this.#graceMs, undefined, { signal: AbortSignal.any([over.signal, signal]) })
      // Aborted: the counts are there, or the caller is gone.
      await Promise.race([counter.settled(accountId), grace.catch(() => undefined)]).finally(() => over.abort())
    }
    return counter.view(accountId, shown)
  }
}

function uncounted(folder: Folder): Folder {
  return { ...folder, total: null, unread: null }
}

/** Identifies the last folder of a page and grants nothing; changes elsewhere in the list do not affect it. */
function cursorOf(accountId: string, { path }: Folder): string {
  return createHash('sha256').update(`${accountId}\0${path}`).digest().toString('base64url', 0, 12)
}

function placeOf(accountId: string, folders: readonly Folder[], cursor: string): number {
  if (!/^[A-Za-z0-9_-]{16}$/.test(cursor)) throw badCursor()
  const at = folders.findIndex(folder => cursorOf(accountId, folder) === cursor)
  if (at >= 0) return at + 1
  throw new Problem(
    'stale_cursor',
    'The folder at which the last page ended no longer exists; list the folders from the beginning.',
  )
}

/**
 * Counts messages of folders where a mail server's LIST does not: in the background, some folders at a time, and caches
 * the counts.
 */
import type { Folder, FolderCounts } from '../../contract/mail.ts'
import { Problem } from '../platform/problem.ts'
import type { ConnectionPool } from './connection-pool.ts'
import type { FolderCount } from './mail-gateway.ts'

export interface FolderCounterOptions {
  pool: Pick<ConnectionPool, 'run'>
  /** Monotonic clock in milliseconds. */
  now?: () => number
}

interface Counted extends FolderCount {
  at: number
}

interface AccountCounts {
  known: Map<string, Counted>
  /** Paths waiting to be counted, in this order. */
  queue: Set<string>
  running: Promise<void> | undefined
  /** No count is attempted before this time after a failure. */
  pausedUntil: number
  /** An unexpected error of the last run, thrown to the next caller. */
  bug: unknown
}

/** Age in milliseconds up to which counts are fresh; older ones are shown and refreshed. INBOX changes most. */
const freshMs = 60_000
const inboxFreshMs = 5_000
/** Folders, and milliseconds, per borrowed connection; then other requests have their turn. */
const sliceSize = 200
const sliceMs = 2_000
const pauseMs = 10_000
/**
 * Cached folder counts of all accounts, with at most 10,000 of each; above it the least recently used accounts are
 * evicted.
 */
const maxKept = 100_000

export class FolderCounter {
  readonly #pool: FolderCounterOptions['pool']
  readonly #now: () => number
  /** Accounts by last request, the least recent first. */
  readonly #accounts = new Map<string, AccountCounts>()
  /** Never aborts; the pool rejects everything when the server stops. */
  readonly #signal = new AbortController().signal

  constructor({ pool, now = () => performance.now() }: FolderCounterOptions) {
    this.#pool = pool
    this.#now = now
  }

  /**
   * Starts counting the folders whose count is missing or stale.
   * @param folders All folders of the account as listed by the server: cached counts of others are dropped.
   * @param wanted Those of them to count.
   */
  begin(accountId: string, folders: readonly Folder[], wanted: readonly Folder[]): void {
    const uncounted = wanted.filter(isUncounted)
    if (uncounted.length === 0) return
    const account = this.#touch(accountId)
    const paths = new Set(folders.filter(isUncounted).map(({ path }) => path))
    for (const path of account.known.keys()) if (!paths.has(path)) account.known.delete(path)
    if (account.bug !== undefined) throw this.#takeBug(account)
    if (this.#now() < account.pausedUntil) return
    // INBOX and folders with a role are viewed most.
    for (const { path } of uncounted.toSorted((a, b) => rankOf(a) - rankOf(b))) {
      if (!this.#isFresh(account, path)) account.queue.add(path)
    }
    if (account.queue.size > 0) account.running ??= this.#run(accountId, account)
  }

  /** Resolves when no count of the account is running, whatever its outcome. */
  async settled(accountId: string): Promise<void> {
    await this.#accounts.get(accountId)?.running
  }

  /** Returns the folders with the counts known so far. */
  view(accountId: string, folders: readonly Folder[]): { folders: Folder[]; counts: FolderCounts } {
    const account = this.#accounts.get(accountId)
    const now = this.#now()
    let [oldest, unknown] = [now, 0]
    const filled = folders.map(folder => {
      if (!isUncounted(folder)) return folder
      const { at = now, ...count } = account?.known.get(folder.path) ?? { total: null, unread: null }
      oldest = Math.min(oldest, at)
      if (count.total === null) unknown++
      return { ...folder, ...count }
    })
    const pending = folders.filter(folder => isUncounted(folder) && account?.queue.has(folder.path)).length
    const isCounted = filled.some(({ total }) => total !== null)
    return {
      folders: filled,
      counts: {
        state: pending > 0 ? 'pending' : unknown > 0 ? 'incomplete' : 'complete',
        pending,
        as_of: isCounted ? new Date(Date.now() - (now - oldest)).toISOString() : null,
      },
    }
  }

  async #run(accountId: string, account: AccountCounts): Promise<void> {
    let head: string | undefined
    try {
      while (account.queue.size > 0) {
        const before = account.queue.size
        await this.#pool.run(
          accountId,
          'background',
          connection => {
            const paths = [...account.queue].slice(0, sliceSize)
            head = paths[0]
            return connection.countFolders(paths, sliceMs, (path, count) => {
              account.queue.delete(path)
              head = account.queue.values().next().value
              account.known.set(path, { ...count, at: this.#now() })
            })
          },
          this.#signal,
        )
        head = undefined
        if (account.queue.size >= before) throw new Error('no folder was counted')
      }
    } catch (error) {
      account.pausedUntil = this.#now() + pauseMs
      if (!(error instanceof Problem)) account.bug = error
      // The server may fail at this very folder: the next run starts with the others.
      if (head !== undefined && !account.known.has(head)) {
        account.known.set(head, { total: null, unread: null, at: this.#now() })
      }
    } finally {
      account.queue.clear()
      account.running = undefined
      this.#forgetOldest()
    }
  }

  #isFresh(account: AccountCounts, path: string): boolean {
    const at = account.known.get(path)?.at
    return at !== undefined && this.#now() - at < (path === 'INBOX' ? inboxFreshMs : freshMs)
  }

  #touch(accountId: string): AccountCounts {
    const account = this.#accounts.get(accountId) ?? {
      known: new Map(),
      queue: new Set(),
      running: undefined,
      pausedUntil: 0,
      bug: undefined,
    }
    this.#accounts.delete(accountId)
    this.#accounts.set(accountId, account)
    return account
  }

  #takeBug(account: AccountCounts): unknown {
    const { bug } = account
    account.bug = undefined
    return bug
  }

  #forgetOldest(): void {
    let kept = [...this.#accounts.values()].reduce((sum, { known }) => sum + known.size, 0)
    for (const [accountId, { known, running }] of this.#accounts) {
      if (kept <= maxKept) return
      if (running) continue
      kept -= known.size
      this.#accounts.delete(accountId)
    }
  }
}

function isUncounted({ selectable, total }: Folder): boolean {
  return selectable && total === null
}

function rankOf({ path, role }: Folder): number {
  if (path === 'INBOX') return 0
  return role ? 1 : 2
}

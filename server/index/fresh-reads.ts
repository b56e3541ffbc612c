/** When reads of the index are current: they wait for accepted changes, and know pages that no write can have changed. */
import type { ExpectedChanges } from './expected-changes.ts'
import { type IndexOperations, roles } from './index-operations.ts'

/** Tags per account; past it, the oldest is evicted. */
const maxTags = 1_000

interface AccountPages {
  /** Tags of pages read since the last write; each write starts a new set. */
  tags: Set<string>
  writes: number
}

/**
 * Tracks tags of pages that are still current because nothing was written since they were read, which saves a round
 * trip to the thread.
 */
export class UnchangedPages {
  readonly #accounts = new Map<string, AccountPages>()

  /** Returns whether a page is still current. @param tag Tag of the page that the caller has. */
  holds(accountId: string, tag: string | undefined): boolean {
    return tag !== undefined && this.#accounts.get(accountId)?.tags.has(tag) === true
  }

  /** Reads a page, and stores its tag unless a write began before the answer. */
  async reading<Answer>(
    accountId: string,
    read: () => Promise<Answer>,
    tagOf: (answer: Answer) => string | undefined,
  ): Promise<Answer> {
    const { tags, writes } = this.#of(accountId)
    const answer = await read()
    const tag = writes === 0 && this.#accounts.get(accountId)?.tags === tags ? tagOf(answer) : undefined
    if (tag !== undefined) tags.add(tag)
    if (tags.size > maxTags) tags.delete(tags.values().next().value!)
    return answer
  }

  /** Runs a write, and invalidates all tags even if it fails, since it may have been committed. */
  async writing<Result>(accountId: string, write: () => Promise<Result>): Promise<Result> {
    const account = this.#of(accountId)
    account.tags = new Set()
    account.writes++
    try {
      return await write()
    } finally {
      account.writes--
      if (account.writes === 0 && this.#accounts.get(accountId) === account) this.#accounts.delete(accountId)
    }
  }

  /** Forgets an account's tags, and ignores reads in flight. */
  forget(accountId: string): void {
    this.#accounts.delete(accountId)
  }

  #of(accountId: string): AccountPages {
    const account = this.#accounts.get(accountId) ?? { tags: new Set(), writes: 0 }
    this.#accounts.set(accountId, account)
    return account
  }
}

interface Index {
  of(accountId: string): IndexOperations
  drop(accountId: string): Promise<void>
}

const reading = (Object.keys(roles) as (keyof IndexOperations)[]).filter(name => roles[name] !== 'writes')

/** Wraps the index so that reads wait until accepted changes are written to it (read-your-writes). */
export function shownIndex(index: Index, expected: Pick<ExpectedChanges, 'of'>): Index {
  /** Wrapped operations by the originals, which stay the same for an account until its index is dropped. */
  const shown = new WeakMap<IndexOperations, IndexOperations>()
  return {
    drop: accountId => index.drop(accountId),
    of: accountId => {
      const operations = index.of(accountId)
      const known = shown.get(operations)
      if (known) return known
      const waiting = reading.map(name => {
        const read = operations[name] as (...given: unknown[]) => Promise<unknown>
        const readShown = async (...given: unknown[]) => {
          await expected.of(accountId).written()
          return read(...given)
        }
        return [name, readShown]
      })
      const all = Object.freeze({ ...operations, ...Object.fromEntries(waiting) }) as IndexOperations
      shown.set(operations, all)
      return all
    },
  }
}

/**
 * LRU cache of recently read messages and what was derived from them: what a reference names is immutable, so it is
 * fetched and rendered once. Callers must have been authorised before.
 */
import type { MessageContent } from '../imap/mail-gateway.ts'

export interface MessageName {
  accountId: string
  /** Revision of the account: entries read with other credentials are not returned. */
  revision: string
  /** Folder, UIDVALIDITY, UID and part. */
  place: string
}

/** Maximum bytes of all messages, and of one with what was derived from it. */
const maxBytes = 48 * 1024 * 1024
const maxBytesOfOne = 24 * 1024 * 1024
/** Idle time after which an entry is evicted. */
const idleMs = 5 * 60_000

interface Entry extends MessageName {
  content: MessageContent
  outcomes: Map<string, unknown>
  bytes: number
  /** Time of the last use, by `performance.now()`. */
  usedAt: number
}

/** A cached message; derived values are accessed by `outcome` and `keep`. */
export interface CachedMessage {
  content: MessageContent
  outcome(name: string): unknown
  /** Caches a derived value; undefined ones are not cached. */
  keep(name: string, outcome: unknown): void
}

export class MessageCache {
  readonly #now: () => number
  /** Entries by last use, the least recent first. */
  readonly #entries = new Map<string, Entry>()
  readonly #bytesOf = new Map<string, number>()
  #bytes = 0
  #sweep: NodeJS.Timeout | undefined

  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** Characters count as two bytes, an upper bound. */
  get bytes(): number {
    return this.#bytes
  }

  find(name: MessageName): CachedMessage | undefined {
    const key = keyOf(name)
    const entry = this.#entries.get(key)
    if (!entry) return undefined
    if (entry.revision !== name.revision) {
      this.#remove(key, entry)
      return undefined
    }
    entry.usedAt = this.#now()
    this.#entries.delete(key)
    this.#entries.set(key, entry)
    return this.#view(key, entry)
  }

  add(name: MessageName, content: MessageContent): CachedMessage {
    const key = keyOf(name)
    this.drop(name)
    const { accountId, revision, place } = name
    const entry = { accountId, revision, place, content, outcomes: new Map(), bytes: 0, usedAt: this.#now() }
    this.#entries.set(key, entry)
    this.#grow(key, entry, bytesOf(content))
    this.#sweep ??= setTimeout(() => this.#dropIdle(), idleMs).unref()
    return this.#view(key, entry)
  }

  drop(name: MessageName): void {
    const key = keyOf(name)
    const entry = this.#entries.get(key)
    if (entry) this.#remove(key, entry)
  }

  dropAccount(accountId: string): void {
    for (const [key, entry] of this.#entries) if (entry.accountId === accountId) this.#remove(key, entry)
  }

  #view(key: string, entry: Entry): CachedMessage {
    return {
      get content() {
        return entry.content
      },
      set content(content) {
        entry.content = content
      },
      outcome: name => entry.outcomes.get(name),
      keep: (name, outcome) => {
        if (outcome === undefined || entry.outcomes.has(name)) return
        const bytes = bytesOf(outcome)
        // Also works after eviction: the current reader still uses the entry.
        if (entry.bytes + bytes > maxBytesOfOne) return
        entry.outcomes.set(name, outcome)
        if (this.#entries.get(key) === entry) this.#grow(key, entry, bytes)
      },
    }
  }

  #grow(key: string, entry: Entry, bytes: number): void {
    this.#count(entry, bytes)
    if (entry.bytes > maxBytesOfOne) return this.#remove(key, entry)
    while (this.#bytes > maxBytes) this.#evict()
  }

  /** Evicts the least recent entry of the largest account, so that a busy account does not displace others. */
  #evict(): void {
    let most = ''
    for (const [accountId, bytes] of this.#bytesOf) if (bytes > (this.#bytesOf.get(most) ?? -1)) most = accountId
    for (const [key, entry] of this.#entries) if (entry.accountId === most) return this.#remove(key, entry)
  }

  #remove(key: string, entry: Entry): void {
    this.#entries.delete(key)
    this.#count(entry, -entry.bytes)
  }

  #count(entry: Entry, bytes: number): void {
    entry.bytes += bytes
    this.#bytes += bytes
    const ofAccount = (this.#bytesOf.get(entry.accountId) ?? 0) + bytes
    if (ofAccount > 0) this.#bytesOf.set(entry.accountId, ofAccount)
    else this.#bytesOf.delete(entry.accountId)
  }

  #dropIdle(): void {
    this.#sweep = undefined
    for (const [key, entry] of this.#entries) {
      if (entry.usedAt > this.#now() - idleMs) break
      this.#remove(key, entry)
    }
    if (this.#entries.size > 0) this.#sweep = setTimeout(() => this.#dropIdle(), idleMs).unref()
  }
}

function keyOf({ accountId, place }: MessageName): string {
  return `${accountId} ${place}`
}

/** Estimates an upper bound of a value's bytes. */
function bytesOf(value: unknown): number {
  if (typeof value === 'string') return 32 + value.length * 2
  if (typeof value !== 'object' || value === null) return 16
  let bytes = 64
  for (const inner of Object.values(value)) bytes += bytesOf(inner)
  return bytes
}

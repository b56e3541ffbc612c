/**
 * Messages that were read lately, with what was made of them: what a reference names never changes, so it is fetched and rendered once.
 * Callers must have been let to the account before.
 */
import type { MessageContent } from '../imap/mail-gateway.ts'

export interface MessageName {
  accountId: string
  /** Of the account: what was read with other credentials is not answered. */
  revision: string
  /** Folder, UIDVALIDITY, UID and part. */
  place: string
}

/** Of all messages, and of one with what was made of it. */
const maxBytes = 48 * 1024 * 1024
const maxBytesOfOne = 24 * 1024 * 1024
/** What nobody has asked for in this time is dropped. */
const idleMs = 5 * 60_000

interface Entry extends MessageName {
  content: MessageContent
  outcomes: Map<string, unknown>
  bytes: number
  /** By performance.now(). */
  usedAt: number
}

/** One message: the rest of what is kept of it goes by `outcome` and `keep`. */
export interface CachedMessage {
  content: MessageContent
  outcome(name: string): unknown
  /** Undefined outcomes are not kept. */
  keep(name: string, outcome: unknown): void
}

export class MessageCache {
  readonly #now: () => number
  /** The message that was asked for longest ago is first. */
  readonly #entries = new Map<string, Entry>()
  readonly #bytesOf = new Map<string, number>()
  #bytes = 0
  #sweep: NodeJS.Timeout | undefined

  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** Characters count as two bytes, which is what the longest take. */
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
        // Also when it was dropped meanwhile: its reader still has it.
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

  /** The account that has most loses what it used longest ago, so that a busy one does not push out the others. */
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

/** At most, of whatever strings it holds; something for each value beside them. */
function bytesOf(value: unknown): number {
  if (typeof value === 'string') return 32 + value.length * 2
  if (typeof value !== 'object' || value === null) return 16
  let bytes = 64
  for (const inner of Object.values(value)) bytes += bytesOf(inner)
  return bytes
}

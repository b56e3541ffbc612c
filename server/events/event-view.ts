/** What a stream sees: its filter and its principal's rights combined. Streams with equal views share encoded bytes. */

import { type Fact, type FactType, facts, factTypes, type StateType, states, stateTypes } from '../../contract/event.ts'
import type { Scope } from '../../contract/scope.ts'
import { AccountId } from '../../contract/wire.ts'
import type { Principal } from '../platform/principal.ts'
import { badInput } from '../platform/problem.ts'
import { ownCopy } from '../platform/text.ts'
import { sightKey } from '../platform/visible-figures.ts'
import type { EventLog, LogEntry } from './event-log.ts'
import type { Seen } from './event-store.ts'
import { type FactOwner, factOwnerOf, isOwnedBy, ownedType } from './fact-owners.ts'

export interface EventFilter {
  types: ReadonlySet<string> | undefined
  accounts: ReadonlySet<string> | undefined
}

/** Consecutive frames visible in a view, as one buffer. */
export interface Batch {
  /** Number of the last fact examined. */
  to: number
  entries: readonly LogEntry[]
  bytes: Buffer | undefined
}

type HeldFacts = Pick<EventLog, 'newest' | 'oldestHeld' | 'find'>

/** Bytes after which a batch is complete and written. */
const batchBytes = 64 * 1024
/** Facts examined per batch. */
const batchFacts = 1000
/** Facts per cached count, so that reconnecting clients with the same view do not each scan all facts in memory. */
const blockFacts = 256
const streamTypes: readonly string[] = [...factTypes, ...stateTypes]

export class EventView implements Seen {
  readonly #types: ReadonlySet<string>
  readonly #filterAccounts: ReadonlySet<string> | undefined
  #batch: (Batch & { after: number; head: number }) | undefined
  /**
   * Number of visible facts per block of `blockFacts`, which never changes once committed. Created lazily, since most
   * views have a single stream that has missed nothing.
   */
  #blocks: Map<number, number> | undefined

  constructor(principal: Principal, filter: EventFilter) {
    this.#types = new Set(streamTypes.filter(type => mayRead(principal, type) && (filter.types?.has(type) ?? true)))
    this.#filterAccounts = filter.accounts
    this.seen = principal.accounts
    this.seenKey = sightKey(principal)
    const asked = this.#filterAccounts
    this.owner = this.#types.has(ownedType) ? factOwnerOf(principal) : undefined
    this.key = JSON.stringify([[...this.#types].sort(), this.seenKey, asked ? [...asked].sort() : 'all', this.owner])
  }

  /** Types of facts that it includes. */
  get types(): readonly FactType[] {
    return factTypes.filter(type => this.#types.has(type))
  }

  /** Undefined for all accounts; facts without an account are always included. */
  get accounts(): readonly string[] | undefined {
    const [{ seen }, filter] = [this, this.#filterAccounts]
    if (seen === 'all') return filter && [...filter]
    return [...seen].filter(id => filter?.has(id) ?? true)
  }

  /** Equal for equivalent views. */
  readonly key: string

  /** Accounts visible to the principal regardless of the filter: states are summed over these. */
  readonly seen: Principal['accounts']
  /** Equal for views of principals that see the same accounts. */
  readonly seenKey: string
  /** The owner whose facts are included, of types that have owners; undefined for all. */
  readonly owner: FactOwner | undefined

  /** Total bytes of visible facts since the view is in use, by which the lag of readers is measured. */
  endOffset = 0

  wantsState({ type, accountId }: { type: StateType; accountId: string | undefined }): boolean {
    return this.#types.has(type) && (accountId === undefined || this.#wantsAccount(accountId))
  }

  accepts(fact: Fact): boolean {
    if (!this.#types.has(fact.type)) return false
    if (this.owner && !isOwnedBy(fact, this.owner)) return false
    if (!('account_id' in fact.data) || fact.data.account_id === undefined) return true
    return this.#wantsAccount(fact.data.account_id)
  }

  #wantsAccount(id: string): boolean {
    if (this.seen !== 'all' && !this.seen.has(id)) return false
    return this.#filterAccounts?.has(id) ?? true
  }

  /** Returns the visible facts after a number; streams at the same position share the bytes. */
  batchAfter(log: EventLog, after: number): Batch {
    const known = this.#batch
    if (known && known.after === after && known.head === log.newest) return known
    const entries: LogEntry[] = []
    let size = 0
    let to = after
    while (to < log.newest && size < batchBytes && to - after < batchFacts) {
      const entry = log.find(to + 1)
      if (!entry) break
      to = entry.number
      if (!this.accepts(entry.fact)) continue
      entries.push(entry)
      size += entry.frame.length
    }
    this.#batch = { ...joined(to, entries), after, head: log.newest }
    return this.#batch
  }

  /** Counts the visible facts after a number in memory, up to `most`. */
  countAfter(log: HeldFacts, after: number, most: number): number {
    for (const block of this.#blocks?.keys() ?? []) {
      if (block * blockFacts < log.oldestHeld) this.#blocks?.delete(block)
    }
    let count = 0
    let next = after + 1
    while (next <= log.newest && count < most) {
      const block = Math.floor(next / blockFacts)
      const end = (block + 1) * blockFacts
      const isWhole = next === block * blockFacts && end <= log.newest + 1
      count += isWhole ? this.#countBlock(log, block) : this.#countIn(log, next, Math.min(end, log.newest + 1))
      next = end
    }
    return Math.min(count, most)
  }

  /** Releases the cached batch. */
  rest(): void {
    this.#batch = undefined
  }

  /** Releases all caches, once no stream uses the view. */
  retire(): void {
    this.rest()
    this.#blocks = undefined
  }

  #countBlock(log: HeldFacts, block: number): number {
    this.#blocks ??= new Map()
    const known = this.#blocks.get(block)
    if (known !== undefined) return known
    const count = this.#countIn(log, block * blockFacts, (block + 1) * blockFacts)
    this.#blocks.set(block, count)
    return count
  }

  #countIn(log: HeldFacts, from: number, end: number): number {
    let count = 0
    for (let number = from; number < end; number++) {
      const entry = log.find(number)
      if (entry && this.accepts(entry.fact)) count++
    }
    return count
  }
}

export function joined(to: number, entries: readonly LogEntry[]): Batch {
  const frames = entries.map(({ frame }) => frame)
  return { to, entries, bytes: frames.length > 1 ? Buffer.concat(frames) : frames[0] }
}

/** Parses the `types` and `account_id` of a query; an unknown type is a 400. */
export function parseFilter(query: {
  types?: string | string[] | undefined
  account_id?: string | string[] | undefined
}): EventFilter {
  const types = split('types', query.types)
  const unknown = types?.filter(type => !streamTypes.includes(type)) ?? []
  if (unknown.length > 0) {
    const message = `unknown event type ${unknown.join(', ').slice(0, 100)}; known are ${streamTypes.join(', ')}`
    throw badInput('query.types', message)
  }
  const accounts = split('account_id', query.account_id)
  const wrong = accounts?.find(id => !AccountId.safeParse(id).success)
  if (wrong !== undefined) throw badInput('query.account_id', `${wrong.slice(0, 100)} is not an account id`)
  // Copies: strings of the query are slices of the request's head, which would be retained with its token.
  return {
    types: types && new Set(streamTypes.filter(type => types.includes(type))),
    accounts: accounts && new Set(accounts.map(ownCopy)),
  }
}

function split(name: string, value: string | string[] | undefined): string[] | undefined {
  if (value === undefined) return undefined
  const parts = [value].flat().flatMap(part => part.split(','))
  const named = parts.map(part => part.trim()).filter(part => part !== '')
  if (named.length > 0) return named
  throw badInput(`query.${name}`, 'is empty; leave it out for everything')
}

function mayRead(principal: Principal, type: string): boolean {
  const scope: Scope = Object.hasOwn(facts, type) ? facts[type as FactType].scope : states[type as StateType].scope
  return principal.scopes.has(scope)
}

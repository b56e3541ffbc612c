/** What a stream gets to see: its filters and what its principal may read. Streams with the same view share their bytes. */

import { type Fact, type FactType, facts, factTypes, type StateType, states, stateTypes } from '../../contract/event.ts'
import type { Scope } from '../../contract/scope.ts'
import type { Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import { ownCopy } from '../platform/text.ts'
import { sightKey } from '../platform/visible-figures.ts'
import type { EventLog, LogEntry } from './event-log.ts'
import type { Seen } from './event-store.ts'
import { type FactOwner, factOwnerOf, isOwnedBy, ownedType } from './fact-owners.ts'

export interface EventFilter {
  types: ReadonlySet<string> | undefined
  accounts: ReadonlySet<string> | undefined
}

/** Frames in a row that a view lets through, as one buffer. */
export interface Batch {
  /** Number of the last fact looked at. */
  to: number
  entries: readonly LogEntry[]
  bytes: Buffer | undefined
}

type HeldFacts = Pick<EventLog, 'newest' | 'oldestHeld' | 'find'>

/** Most bytes joined into one write. */
const batchBytes = 64 * 1024
/** Most facts looked at for one batch. */
const batchFacts = 1000
/** Facts whose count is kept, so that those who come back with the same view do not each look at all that memory holds. */
const blockFacts = 256
const streamTypes: readonly string[] = [...factTypes, ...stateTypes]

export class EventView implements Seen {
  readonly #types: ReadonlySet<string>
  readonly #filterAccounts: ReadonlySet<string> | undefined
  #batch: (Batch & { after: number; head: number }) | undefined
  /**
   * How many it lets through of the facts from `blockFacts` times the key on. What was committed stays as it is. Made when first needed:
   * most views are of one stream that has missed nothing.
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

  /** Of facts. */
  get types(): readonly FactType[] {
    return factTypes.filter(type => this.#types.has(type))
  }

  /** Undefined for all; facts of no account are seen in any case. */
  get accounts(): readonly string[] | undefined {
    const [{ seen }, filter] = [this, this.#filterAccounts]
    if (seen === 'all') return filter && [...filter]
    return [...seen].filter(id => filter?.has(id) ?? true)
  }

  /** Equal for views that let the same through. */
  readonly key: string

  /** What the principal may see, whatever the filter asks for: states are counted over these. */
  readonly seen: Principal['accounts']
  /** Equal for views of principals that see the same accounts. */
  readonly seenKey: string
  /** Of facts that are somebody's, whose are seen; undefined for all. */
  readonly owner: FactOwner | undefined

  /** Bytes of all facts that it let through since somebody has had it: how far a reader is behind is counted in these. */
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

  /** What follows after a number; the same bytes for all who stand at the same place. */
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

  /** How many follow after a number in memory. Counts to `most`. */
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

  /** Lets go of what was joined last. */
  rest(): void {
    this.#batch = undefined
  }

  /** Also of what was counted, once no stream has it. */
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

/** Reads the `types` and `account_id` of a query; an unknown type is a 400. */
export function parseFilter(query: {
  types?: string | string[] | undefined
  account_id?: string | string[] | undefined
}): EventFilter {
  const types = split('types', query.types)
  const unknown = types?.filter(type => !streamTypes.includes(type)) ?? []
  if (unknown.length > 0) {
    const message = `unknown event type ${unknown.join(', ').slice(0, 100)}; known are ${streamTypes.join(', ')}`
    throw new Problem('bad_request', `types: ${message}`, { errors: [{ path: 'query.types', message }] })
  }
  const accounts = split('account_id', query.account_id)
  // Not the strings of the query: they are cut from the head of the request, which holds the token, and would keep all of it.
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
  const message = 'is empty; leave it out for everything'
  throw new Problem('bad_request', `${name}: ${message}`, { errors: [{ path: `query.${name}`, message }] })
}

function mayRead(principal: Principal, type: string): boolean {
  const scope: Scope = Object.hasOwn(facts, type) ? facts[type as FactType].scope : states[type as StateType].scope
  return principal.scopes.has(scope)
}

/** What a stream gets to see: its filters and what its principal may read. Streams with the same view share their bytes. */

import { type Fact, type FactType, facts, factTypes, type StateType, states, stateTypes } from '../../contract/event.ts'
import type { Scope } from '../../contract/scope.ts'
import type { Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import { sightKey } from '../platform/visible-figures.ts'
import type { EventLog } from './event-log.ts'
import type { Seen } from './event-store.ts'

export interface EventFilter {
  types: ReadonlySet<string> | undefined
  accounts: ReadonlySet<string> | undefined
}

/** Frames in a row that a view lets through, as one buffer. */
export interface Batch {
  /** Number of the last fact looked at. */
  to: number
  bytes: Buffer | undefined
  count: number
}

/** Most bytes joined into one write. */
const batchBytes = 64 * 1024
/** Most facts looked at for one batch. */
const batchFacts = 1000
/** Most facts read from the database for one batch, and most that the database looks at for it: some 2 ms. */
const pageFacts = 500
const scannedFacts = 10_000
const streamTypes: readonly string[] = [...factTypes, ...stateTypes]

export class EventView implements Seen {
  readonly #types: ReadonlySet<string>
  readonly #filterAccounts: ReadonlySet<string> | undefined
  #batch: (Batch & { after: number; head: number }) | undefined

  constructor(principal: Principal, filter: EventFilter) {
    this.#types = new Set(streamTypes.filter(type => mayRead(principal, type) && (filter.types?.has(type) ?? true)))
    this.#filterAccounts = filter.accounts
    this.seen = principal.accounts
    this.seenKey = sightKey(principal)
    const asked = this.#filterAccounts
    this.key = JSON.stringify([this.types.toSorted(), this.seenKey, asked ? [...asked].sort() : 'all'])
  }

  get types(): readonly string[] {
    return [...this.#types]
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

  wantsState(type: StateType): boolean {
    return this.#types.has(type)
  }

  accepts(fact: Fact): boolean {
    if (!this.#types.has(fact.type)) return false
    if (!('account_id' in fact.data)) return true
    const id = fact.data.account_id
    if (this.seen !== 'all' && !this.seen.has(id)) return false
    return this.#filterAccounts?.has(id) ?? true
  }

  /** What follows after a number; the same bytes for all who stand at the same place. */
  batchAfter(log: EventLog, after: number): Batch {
    const known = this.#batch
    if (known && known.after === after && known.head === log.newest) return known
    const frames: Buffer[] = []
    let size = 0
    let to = after
    while (to < log.newest && size < batchBytes && to - after < batchFacts) {
      const entry = log.find(to + 1)
      if (!entry) break
      to = entry.number
      if (!this.accepts(entry.fact)) continue
      frames.push(entry.frame)
      size += entry.frame.length
    }
    const bytes = frames.length > 1 ? Buffer.concat(frames, size) : frames[0]
    this.#batch = { to, bytes, count: frames.length, after, head: log.newest }
    return this.#batch
  }

  /** The same from the database, for a place that memory does not reach back to; what is hidden is skipped there. */
  async readAfter(log: EventLog, after: number): Promise<Batch> {
    const upTo = Math.min(log.newest, after + scannedFacts)
    const entries = await log.readSeen(this, after, upTo, pageFacts)
    const last = entries.length < pageFacts ? undefined : entries.at(-1)
    const bytes = entries.length > 0 ? Buffer.concat(entries.map(entry => entry.frame)) : undefined
    return { to: last?.number ?? upTo, bytes, count: entries.length }
  }

  /** How many follow after a number: from memory, and from the database where memory does not reach. Counts to `most`. */
  countAfter(log: EventLog, after: number, most: number): number | Promise<number> {
    const firstHeld = Math.max(after + 1, log.oldestHeld)
    let count = 0
    for (let number = firstHeld; number <= log.newest && count < most; number++) {
      const entry = log.find(number)
      if (entry && this.accepts(entry.fact)) count++
    }
    if (firstHeld === after + 1 || count === most) return count
    return log.countSeen(this, after, firstHeld - 1, most - count).then(older => older + count)
  }

  /** Lets go of what was joined last, while nobody has this view. */
  rest(): void {
    this.#batch = undefined
  }
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
  return { types: types && new Set(types), accounts: accounts && new Set(accounts) }
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

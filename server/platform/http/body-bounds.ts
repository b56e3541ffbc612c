/** Bounds of request bodies: the bytes held while they arrive, and the shape of their JSON. */
import type { BodyShape } from '../../../contract/endpoint.ts'
import { siteOf } from '../network/caller-address.ts'
import { anonymous, limitKeyOf, type Principal } from '../principal.ts'

export interface BodyBounds {
  ofAll: number
  /** Total for anonymous callers, which leaves room for authenticated ones. */
  ofStrangers: number
  /** Per person or key, or per address (IPv6: /48 network). */
  ofOne: number
  /** Bytes of each body that are not counted: enough for a sign-in, so that a flood of large bodies cannot block it. */
  free: number
}

const defaults: BodyBounds = { ofAll: 64 << 20, ofStrangers: 16 << 20, ofOne: 4 << 20, free: 2 << 10 }

/** The share of the budget that one body holds. */
export interface BodyLease {
  /** Requests a total number of bytes. Returns false, and takes nothing, if there is no room. */
  holds(bytes: number): boolean
  /** Releases the share; idempotent. */
  release(): void
}

/** Bounds the bytes held while bodies arrive: in total, for anonymous callers, and per caller. */
export class BodyBudget {
  readonly #bounds: BodyBounds
  readonly #ofOne = new Map<string, number>()
  #all = 0
  #strangers = 0

  /** @param bounds Overridden only by tests. */
  constructor(bounds: BodyBounds = defaults) {
    this.#bounds = bounds
  }

  /** Bytes currently counted. */
  get size(): number {
    return this.#all
  }

  open(principal: Principal, address: string): BodyLease {
    const isStranger = principal === anonymous
    const key = isStranger ? `at ${siteOf(address)}` : limitKeyOf(principal)
    let held = 0
    const change = (bytes: number) => {
      held += bytes
      this.#all += bytes
      if (isStranger) this.#strangers += bytes
      const left = (this.#ofOne.get(key) ?? 0) + bytes
      if (left > 0) this.#ofOne.set(key, left)
      else this.#ofOne.delete(key)
    }
    return {
      holds: bytes => {
        const more = Math.max(0, bytes - this.#bounds.free) - held
        if (more > 0 && !this.#hasRoom(more, key, isStranger)) return false
        change(Math.max(0, more))
        return true
      },
      release: () => change(-held),
    }
  }

  #hasRoom(bytes: number, key: string, isStranger: boolean): boolean {
    const { ofAll, ofStrangers, ofOne } = this.#bounds
    if (this.#all + bytes > ofAll || (this.#ofOne.get(key) ?? 0) + bytes > ofOne) return false
    return !isStranger || this.#strangers + bytes <= ofStrangers
  }
}

/** Nesting depth of objects and lists in a body. */
export const maxDepth = 32
/** Default bounds of a body's shape; the largest legitimate one is a token with a thousand accounts. */
export const usualShape: BodyShape = { names: 500, values: 4_000 }
/** Bytes of a field name that is reported; longer ones are not. */
const longestField = 60

const [quote, backslash, comma, colon] = [0x22, 0x5c, 0x2c, 0x3a]
const [openList, closeList, openObject, closeObject] = [0x5b, 0x5d, 0x7b, 0x7d]

/**
 * Detects JSON that is disproportionately expensive to parse, in one pass over its bytes before parsing. Does not check
 * whether they are valid JSON.
 * @returns Undefined if it is within bounds; else the top-level field that exceeds one, if it has a short name.
 */
export function findExcess(
  bytes: Uint8Array,
  shape: BodyShape = usualShape,
): { field: string | undefined } | undefined {
  let depth = 0
  let values = 0
  let names = 0
  let isInString = false
  // Bounds of the latest string, and of the latest field name of the outermost object.
  let [from, to] = [0, 0]
  let [fieldFrom, fieldTo] = [0, 0]
  const excess = () => ({ field: fieldIn(bytes.subarray(fieldFrom, fieldTo)) })
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]
    if (isInString) {
      if (byte === backslash) at++
      else if (byte === quote) {
        isInString = false
        to = at + 1
      }
      continue
    }
    if (byte === quote) {
      isInString = true
      from = at
    } else if (byte === openObject || byte === openList) {
      if (++depth > maxDepth || ++values > shape.values) return excess()
    } else if (byte === closeObject || byte === closeList) depth--
    else if (byte === comma && ++values > shape.values) return excess()
    else if (byte === colon) {
      if (depth === 1) [fieldFrom, fieldTo] = [from, to]
      if (++names > shape.names) return excess()
    }
  }
  return undefined
}

function fieldIn(bytes: Uint8Array): string | undefined {
  if (bytes.length === 0 || bytes.length > longestField) return undefined
  const name = Buffer.from(bytes).toString('utf8').slice(1, -1)
  return /^\w+$/.test(name) ? name : undefined
}

/** Bounds the bytes of request bodies held while they arrive: in total, for anonymous callers, and per caller. */
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

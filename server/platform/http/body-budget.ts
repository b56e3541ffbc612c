/** How many bytes of bodies are held while they come: of all requests together, of strangers together, and of one caller. */
import { siteOf } from '../network/caller-address.ts'
import { anonymous, limitKeyOf, type Principal } from '../principal.ts'

export interface BodyBounds {
  ofAll: number
  /** Of callers who are not known, so that they leave room for those who are. */
  ofStrangers: number
  /** Of one person or key, or of one address (IPv6: a network of 48 bits). */
  ofOne: number
  /** Of each body so much is free: a sign-in fits in, so no flood of large bodies keeps anybody out. */
  free: number
}

const defaults: BodyBounds = { ofAll: 64 << 20, ofStrangers: 16 << 20, ofOne: 4 << 20, free: 2 << 10 }

/** What one body holds. */
export interface BodyLease {
  /** Asks for so many bytes in all. False when there is no room, and nothing was taken. */
  holds(bytes: number): boolean
  /** A second time does nothing. */
  release(): void
}

export class BodyBudget {
  readonly #bounds: BodyBounds
  readonly #ofOne = new Map<string, number>()
  #all = 0
  #strangers = 0

  /** @param bounds Only a test gives others. */
  constructor(bounds: BodyBounds = defaults) {
    this.#bounds = bounds
  }

  /** Bytes that are counted now. */
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

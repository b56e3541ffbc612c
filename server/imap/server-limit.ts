/** What a mail server that says "too many connections" was found to allow an account: how many, and whether any at all for now. */
import { Problem } from '../platform/problem.ts'
import type { KnownLimit } from './server-memory.ts'

/** How long after that one more is tried; twice as long each time that it is refused again. */
const growAfterMs = 60_000
const growAtMostMs = 60 * 60_000

export interface Watched {
  /** It is to be watched, now or soon. */
  isWatched: boolean
  /** Connections that watch, or are about to: 0 or 1. */
  watching: number
}

interface Learned {
  most: number
  growAt: number
  waitMs: number
}

/** How many command connections an account may have: what is configured, or fewer. */
export class PoolSize {
  readonly #configured: () => number
  /** What the server allows, watching connections included. */
  #learned: Learned | undefined
  readonly #onLearned: (limit: KnownLimit | undefined) => void

  /** @param known Of before a restart: it is not learned again by being refused. @param onLearned Hears of each change. */
  constructor(
    configured: () => number,
    known?: KnownLimit,
    onLearned: (limit: KnownLimit | undefined) => void = () => undefined,
  ) {
    this.#configured = configured
    this.#onLearned = onLearned
    if (!known) return
    const waitMs = Math.min(growAtMostMs, Math.max(growAfterMs, known.waitMs))
    this.#learned = { most: Math.max(1, known.connections), growAt: performance.now() + waitMs, waitMs }
  }

  /** What the server allows this account, watching connections included; undefined while it refused none. */
  get serverLimit(): number | undefined {
    return this.#learned?.most
  }

  /**
   * Of command connections. One connection is left for watching; where that leaves none, the watching one is lent, and as long as there
   * is none, one may be opened.
   */
  most({ isWatched, watching }: Watched): number {
    const configured = this.#configured()
    if (!this.#learned) return configured
    const { most, growAt } = this.#learned
    const tried = performance.now() < growAt ? most : most + 1
    const reserved = most === 1 ? watching : Number(isWatched)
    return Math.max(0, Math.min(tried - reserved, configured))
  }

  /** The server refused one more beside so many. */
  refused(open: number): void {
    const now = performance.now()
    const most = Math.max(1, open)
    // Several that were tried at the same moment are refused for one reason.
    if (this.#learned && now < this.#learned.growAt) {
      if (most >= this.#learned.most) return
      return this.#learn({ ...this.#learned, most })
    }
    const waitMs = this.#learned ? Math.min(growAtMostMs, this.#learned.waitMs * 2) : growAfterMs
    this.#learn({ most, growAt: now + waitMs, waitMs })
  }

  /** So many are open at once: perhaps more than was known. */
  opened(open: number, { isWatched }: Watched): void {
    if (!this.#learned || open <= this.#learned.most) return
    const isAll = open >= this.#configured() + Number(isWatched)
    this.#learn(isAll ? undefined : { most: open, growAt: performance.now() + growAfterMs, waitMs: growAfterMs })
  }

  reset(): void {
    if (this.#learned) this.#learn(undefined)
  }

  #learn(learned: Learned | undefined): void {
    this.#learned = learned
    this.#onLearned(learned && { connections: learned.most, waitMs: learned.waitMs })
  }
}

const firstMs = 5_000
const mostMs = 60_000

/** While a mail server refuses every connection of an account as one too many: it is not asked at each request. */
export class LimitPause {
  #waitMs = 0
  #until = 0
  #problem: Problem | undefined

  get isOver(): boolean {
    return this.#problem === undefined
  }

  /** The server refused, and none of its connections is ours. @returns What those who wait are told. */
  pause(problem: Problem): Problem {
    this.#waitMs = Math.min(mostMs, Math.max(firstMs, this.#waitMs * 2))
    this.#until = performance.now() + this.#waitMs
    this.#problem = problem
    return this.#busy(problem)
  }

  throwIfPaused(): void {
    if (this.#problem && performance.now() < this.#until) throw this.#busy(this.#problem)
  }

  reset(): void {
    this.#waitMs = 0
    this.#problem = undefined
  }

  #busy({ message, extension }: Problem): Problem {
    const retryAfterSeconds = Math.max(1, Math.ceil(Math.round(this.#until - performance.now()) / 1000))
    return new Problem('overloaded', message, { ...extension, retryAfterSeconds })
  }
}

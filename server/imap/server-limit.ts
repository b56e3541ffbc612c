/**
 * Learns how many connections a mail server allows an account, from its "too many connections", and pauses while it
 * allows none.
 */
import { Problem } from '../platform/problem.ts'
import type { KnownLimit } from './server-memory.ts'

/** Delay before one more connection is tried; doubled at each further refusal up to `growAtMostMs`. */
const growAfterMs = 60_000
const growAtMostMs = 60 * 60_000

export interface Watched {
  /** True when the account is watched, or will be soon. */
  isWatched: boolean
  /** Connections that watch or are being opened for it: 0 or 1. */
  watching: number
}

interface Learned {
  most: number
  growAt: number
  waitMs: number
}

/** How many command connections an account may have: the configured number, or fewer. */
export class PoolSize {
  readonly #configured: () => number
  /** Connections that the server allows, watching ones included. */
  #learned: Learned | undefined
  readonly #onLearned: (limit: KnownLimit | undefined) => void

  /**
   * @param known The limit from before a restart, so that it need not be learned again. @param onLearned Called at each
   * change.
   */
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

  /** Connections that the server allows this account, watching ones included; undefined while it refused none. */
  get serverLimit(): number | undefined {
    return this.#learned?.most
  }

  /**
   * Returns the maximum of command connections. One connection is reserved for watching; when that leaves none, the
   * watching connection is lent, and while there is none, one command connection may be opened.
   */
  most({ isWatched, watching }: Watched): number {
    const configured = this.#configured()
    if (!this.#learned) return configured
    const { most, growAt } = this.#learned
    const tried = performance.now() < growAt ? most : most + 1
    const reserved = most === 1 ? watching : Number(isWatched)
    return Math.max(0, Math.min(tried - reserved, configured))
  }

  /** Records that the server refused one more connection beside `open`. */
  refused(open: number): void {
    const now = performance.now()
    const most = Math.max(1, open)
    // Several attempts of the same moment are refused for one reason.
    if (this.#learned && now < this.#learned.growAt) {
      if (most >= this.#learned.most) return
      return this.#learn({ ...this.#learned, most })
    }
    const waitMs = this.#learned ? Math.min(growAtMostMs, this.#learned.waitMs * 2) : growAfterMs
    this.#learn({ most, growAt: now + waitMs, waitMs })
  }

  /** Records that `open` connections exist, which may be more than the known limit. */
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

/** Pauses attempts while a mail server refuses every connection of an account as one too many. */
export class LimitPause {
  #waitMs = 0
  #until = 0
  #problem: Problem | undefined

  get isOver(): boolean {
    return this.#problem === undefined
  }

  /**
   * Starts a pause when the server refused and none of its connections is ours. @returns The Problem for waiting
   * requests.
   */
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

/**
 * Revocations while the database accepts no writes: effective in this process immediately, and stored with retries.
 * Until then the caller is told, since a restart would undo it.
 */

import { databaseFaultKind } from '../platform/database/database-fault.ts'
import type { Logger } from '../platform/logger.ts'
import type { Principal, PrincipalListener } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import { pause } from '../platform/waits.ts'

export interface Revocation<Result> {
  /** Ids of principals, or `user-…` for everything that a user holds. */
  ids: readonly string[]
  /** Throws what `work` would throw to callers without the right; reads only. */
  check(): Promise<unknown>
  /** Revokes in the database. Retried until done, so it must be idempotent. */
  work(): Promise<Result>
  /** Returns the principals whose streams and exchanges are closed; by default those of `ids`. */
  opened?(): Promise<readonly string[]>
}

export interface RevocationsOptions {
  listener: Pick<PrincipalListener, 'revoked'>
  logger: Logger
}

/** Revocations waiting to be stored; beyond it one is refused like every other change. */
const maxPending = 1_000
/** Waiting revocations of the same principals, so that repeating one cannot fill the queue. */
const maxAlike = 4
const retryMs = 2_000
/** Failures after which a round ends. */
const maxFailures = 3

export class Revocations {
  readonly #options: RevocationsOptions
  readonly #pending = new Set<Revocation<unknown>>()
  /** Denied ids, with the number of waiting revocations that name each. */
  readonly #denied = new Map<string, number>()
  readonly #stopped = new AbortController()
  #storing: Promise<void> | undefined

  constructor(options: RevocationsOptions) {
    this.#options = options
  }

  /** Returns true for principals that were revoked but are still in the database. */
  denies({ id, userId }: Principal): boolean {
    if (this.#denied.size === 0) return false
    return this.#denied.has(id) || (userId !== null && this.#denied.has(`user-${userId}`))
  }

  /** @throws Problem 503 if it is effective, but could not be stored yet. */
  async run<Result>(revocation: Revocation<Result>): Promise<Result> {
    try {
      return await revocation.work()
    } catch (error) {
      if (databaseFaultKind(error) === undefined || this.#pending.size >= maxPending) throw error
      await revocation.check()
      await this.#deny(revocation)
      const detail =
        'It is revoked from now on, but could not be stored: the database accepts no writes. Storing is retried; after a restart before it succeeds, revoke it again.'
      throw new Problem('revocation_not_stored', detail, { cause: error, retryAfterSeconds: 10 })
    }
  }

  async stop(): Promise<void> {
    this.#stopped.abort()
    await this.#storing
    if (this.#pending.size === 0) return
    const ids = [...this.#denied.keys()]
    this.#options.logger.error({ ids }, 'revocations could not be stored and end with this process')
  }

  async #deny(revocation: Revocation<unknown>): Promise<void> {
    const { listener, logger } = this.#options
    if (revocation.ids.every(id => (this.#denied.get(id) ?? 0) >= maxAlike)) return
    this.#pending.add(revocation)
    for (const id of revocation.ids) this.#denied.set(id, (this.#denied.get(id) ?? 0) + 1)
    logger.warn({ ids: revocation.ids }, 'revoked in memory: the database accepts no writes')
    const opened = (await revocation.opened?.().catch(() => [])) ?? revocation.ids
    for (const id of opened) listener.revoked(id)
    this.#storing ??= this.#store()
  }

  async #store(): Promise<void> {
    const { signal } = this.#stopped
    while (this.#pending.size > 0 && !signal.aborted) {
      await pause(retryMs, signal)
      let failures = 0
      for (const revocation of [...this.#pending]) {
        if (await this.#isStored(revocation)) this.#release(revocation)
        // One that fails for its own reason does not block others, but a database that accepts nothing is not tried a
        // thousand times.
        else if (++failures >= maxFailures) break
      }
    }
    this.#storing = undefined
  }

  /** Returns true also if there is nothing left to revoke. */
  async #isStored({ ids, work }: Revocation<unknown>): Promise<boolean> {
    const { logger } = this.#options
    try {
      await work()
    } catch (err) {
      if (!(err instanceof Problem)) return false
      logger.info({ ids, err }, 'a revocation found nothing left to revoke')
    }
    logger.info({ ids }, 'what was revoked in memory is stored')
    return true
  }

  #release(revocation: Revocation<unknown>): void {
    this.#pending.delete(revocation)
    for (const id of revocation.ids) {
      const left = (this.#denied.get(id) ?? 1) - 1
      if (left > 0) this.#denied.set(id, left)
      else this.#denied.delete(id)
    }
  }
}

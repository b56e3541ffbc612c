/**
 * Ends proposals that have expired or whose token has lost its rights, follows approvals, and deletes proposals that
 * were decided long ago.
 */
import type { EventHub } from '../events/event-hub.ts'
import type { Logger } from '../platform/logger.ts'
import { Rounds } from '../platform/rounds.ts'
import type { ProposalService } from './proposal-service.ts'
import type { ProposalStore } from './proposal-store.ts'

export interface ProposalSweeperOptions {
  store: ProposalStore
  proposals: Pick<ProposalService, 'review' | 'followApproval'>
  hub: Pick<EventHub, 'listen'>
  /** Whether this process holds the lease for pruning. */
  mayPrune(): boolean
  /** The current time for retention, in epoch milliseconds. */
  retentionNow(): number
  logger: Logger
}

const sweepEveryMs = 10_000
const forgetEveryMs = 60 * 60_000
/** How long decided proposals are kept, the same as operations. */
const keptMs = 30 * 24 * 60 * 60_000
const sweptAtOnce = 100

export class ProposalSweeper {
  readonly #options: ProposalSweeperOptions
  readonly #sweeps: Rounds
  readonly #forgetting: Rounds
  readonly #following = new Set<Promise<void>>()
  #unsubscribe: (() => void)[] = []

  constructor(options: ProposalSweeperOptions) {
    this.#options = options
    const failed = (err: unknown) => options.logger.warn({ err }, 'proposals could not be swept')
    this.#sweeps = new Rounds({ everyMs: sweepEveryMs, work: signal => this.#sweep(signal), failed })
    this.#forgetting = new Rounds({ everyMs: forgetEveryMs, work: signal => this.#forget(signal), failed })
  }

  async start(): Promise<void> {
    const { hub } = this.#options
    const follow = ({ submission_id: id }: { submission_id: string }) => this.#follow(id)
    const sweep = () => this.#own(this.#sweeps.run())
    this.#unsubscribe = [
      hub.listen('approval_decided', follow),
      // An edit, which changes the hash.
      hub.listen('approval_requested', follow),
      hub.listen('token_revoked', sweep),
      hub.listen('token_updated', sweep),
    ]
    // Catches up with decisions made while no process listened.
    await this.#sweeps.run()
    this.#sweeps.start()
    this.#forgetting.start()
  }

  async stop(): Promise<void> {
    for (const unsubscribe of this.#unsubscribe.splice(0)) unsubscribe()
    await this.#sweeps.stop()
    await this.#forgetting.stop()
    await Promise.all(this.#following)
  }

  sweep(): Promise<void> {
    return this.#sweeps.run()
  }

  forget(): Promise<void> {
    return this.#forgetting.run()
  }

  #follow(submissionId: string): void {
    this.#own(this.#options.proposals.followApproval({ id: submissionId, kind: 'message' }))
  }

  /** Logs a failure; the next sweep makes up for it. */
  #own(work: Promise<void>): void {
    const { logger } = this.#options
    const owned = work.catch(err => logger.warn({ err }, 'a proposal could not be followed'))
    this.#following.add(owned)
    void owned.finally(() => this.#following.delete(owned))
  }

  async #sweep(signal: AbortSignal): Promise<void> {
    const { store, proposals } = this.#options
    for (let after: string | undefined; !signal.aborted; ) {
      const rows = await store.listOpen({ accounts: undefined, principalId: undefined }, after, sweptAtOnce)
      for (const row of rows) {
        if (signal.aborted) return
        await proposals.review(row)
      }
      after = rows.at(-1)?.id
      if (rows.length < sweptAtOnce) return
    }
  }

  async #forget(signal: AbortSignal): Promise<void> {
    const { store, mayPrune, retentionNow } = this.#options
    if (!mayPrune()) return
    const before = new Date(retentionNow() - keptMs).toISOString()
    for (let gone = 1; gone > 0 && !signal.aborted; ) gone = await store.deleteDecidedBefore(before)
  }
}

/**
 * Notifies the browsers of approvers that messages and proposals wait. Only the process with the lease does so. Content
 * is read when it is sent, so that users are not notified of what is decided or not theirs to decide.
 */
import type { EventHub } from '../events/event-hub.ts'
import type { LeaseClaim, LeaseService } from '../leases/lease-service.ts'
import type { Logger } from '../platform/logger.ts'
import type { PushDelivery } from './push-delivery.ts'
import { approvalContent, type Standing } from './push-message.ts'
import { defaultPace, type PaceTimes, PushPace } from './push-pace.ts'
import type { PushQueue } from './push-queue.ts'
import type { PushStore } from './push-store.ts'
import type { PushRow } from './push-tables.ts'

/** Waiting approvals and proposals, and who may decide them. Related messages form a group, as does each proposal. */
export interface WaitingFor {
  /** Returns the groups of those approvals and proposals that still wait. */
  groupsOf(approvalIds: readonly string[], proposalIds: readonly string[]): Promise<string[]>
  /** Returns groups with a request since then that still waits. */
  groupsSince(at: string): Promise<string[]>
  /** Undefined if the user may approve nothing of these groups at this moment. */
  standing(userId: string, groups: readonly string[]): Promise<Standing | undefined>
}

export interface ApprovalPushesOptions {
  hub: Pick<EventHub, 'listen'>
  leases: Pick<LeaseService, 'want'>
  store: Pick<PushStore, 'listUserIds' | 'listOf' | 'find'>
  waiting: WaitingFor
  queue: PushQueue
  delivery: Pick<PushDelivery, 'deliver'>
  now(): number
  logger: Logger
  pace?: PaceTimes
  /** Pause after a database error. */
  againMs?: number
}

/** Requests this long before the lease was won may not have been pushed, and are caught up. */
const catchUpMs = 5 * 60_000
/** Ids per kind waiting to be processed; more are ignored. */
const mostIds = 1_000
const defaultAgainMs = 5_000
const mostTtlSeconds = 7 * 24 * 60 * 60

export class ApprovalPushes {
  readonly #options: ApprovalPushesOptions
  /** On the clock of `performance.now()`, so that setting the system clock back delays nothing. */
  readonly #pace: PushPace
  readonly #approvals = new Set<string>()
  readonly #proposals = new Set<string>()
  /** Ids of agents' permission prompts. */
  readonly #others = new Set<string>()
  #claim: LeaseClaim | undefined
  readonly #unsubscribe: (() => void)[] = []
  #isCatchingUp = false
  #working: Promise<void> | undefined
  #isWorkWanted = false
  #isFailing = false
  #timer: NodeJS.Timeout | undefined
  #isStopped = false

  constructor(options: ApprovalPushesOptions) {
    this.#options = options
    this.#pace = new PushPace(options.pace ?? defaultPace)
  }

  start(): void {
    const { hub, leases, queue } = this.#options
    const note = (ids: Set<string>, id: string) => {
      if (!this.#claim?.find() || ids.size >= mostIds) return
      ids.add(id)
      this.#wake()
    }
    this.#unsubscribe.push(
      hub.listen('approval_requested', ({ approval_id: id }) => note(this.#approvals, id)),
      hub.listen('proposal_changed', ({ proposal_id: id, event }) => {
        if (event === 'proposed') note(this.#proposals, id)
      }),
    )
    this.#claim = leases.want('push', {
      won: () => {
        this.#isCatchingUp = true
        this.#wake()
      },
      lost: () => {
        this.#approvals.clear()
        this.#proposals.clear()
        this.#others.clear()
        this.#pace.clear()
        queue.clear()
      },
    })
    this.#wake()
  }

  /** Notes a request that no fact announces. @param id The request, which forms a group of its own. */
  note(id: string): void {
    if (!this.#claim?.find() || this.#others.size >= mostIds) return
    this.#others.add(id)
    this.#wake()
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    clearTimeout(this.#timer)
    for (const unsubscribe of this.#unsubscribe) unsubscribe()
    await this.#working
    await this.#options.queue.stop()
    await this.#claim?.giveBack()
  }

  /** Starts rounds unless they run already; one more follows for what came in the meantime. */
  #wake(): void {
    this.#isWorkWanted = true
    this.#working ??= this.#rounds()
  }

  async #rounds(): Promise<void> {
    // Requests of the same turn are processed together.
    await new Promise(setImmediate)
    while (this.#isWorkWanted && !this.#isStopped) {
      this.#isWorkWanted = false
      await this.#roundOrLater()
    }
    if (!this.#isStopped) this.#setTimer()
    // Cleared in the same step as the last check, so that later requests start new rounds.
    this.#working = undefined
  }

  /** Never rejects. What failed is processed once the database responds again. */
  async #roundOrLater(): Promise<void> {
    try {
      await this.#round()
      this.#isFailing = false
    } catch (err) {
      if (!this.#isFailing) this.#options.logger.error({ err }, 'notifications could not be prepared; they are retried')
      this.#isFailing = true
    }
  }

  async #round(): Promise<void> {
    const { store, waiting, now } = this.#options
    if (!this.#claim?.find()) return
    const [approvals, proposals, others] = [[...this.#approvals], [...this.#proposals], [...this.#others]]
    const since = new Date(now() - catchUpMs).toISOString()
    const missed = this.#isCatchingUp ? await waiting.groupsSince(since) : []
    const isAsked = approvals.length + proposals.length > 0
    const groups = new Set([...missed, ...others, ...(isAsked ? await waiting.groupsOf(approvals, proposals) : [])])
    const userIds = groups.size > 0 ? await store.listUserIds() : []
    for (const userId of userIds) for (const group of groups) this.#pace.note(userId, group, performance.now())
    this.#isCatchingUp = false
    for (const id of approvals) this.#approvals.delete(id)
    for (const id of proposals) this.#proposals.delete(id)
    for (const id of others) this.#others.delete(id)
    const due = this.#pace.take(performance.now())
    for (let next = due[0]; next; next = due[0]) {
      try {
        await this.#tell(next.userId, next.groups)
      } catch (error) {
        for (const { userId, groups: untold } of due)
          for (const group of untold) this.#pace.note(userId, group, performance.now())
        throw error
      }
      due.shift()
    }
  }

  async #tell(userId: string, groups: readonly string[]): Promise<void> {
    const { store, waiting } = this.#options
    const standing = await waiting.standing(userId, groups)
    if (!standing) return
    const rows = await store.listOf(userId)
    this.#pace.told(userId, groups, performance.now())
    for (const row of rows) this.#add(row, groups)
  }

  #add({ id, endpoint }: PushRow, groups: readonly string[]): void {
    const { queue, store, waiting, delivery, now } = this.#options
    queue.add({
      key: `${id} ${groups.length === 1 ? groups[0] : ''}`,
      origin: new URL(endpoint).origin,
      attempt: async signal => {
        const row = this.#claim?.find() && (await store.find(id))
        const standing = row && (await waiting.standing(row.user_id, groups))
        if (!row || !standing) return undefined
        const seconds = Math.ceil((Date.parse(standing.expiresAt) - now()) / 1_000)
        const ttl = Math.min(Math.max(seconds, 0), mostTtlSeconds)
        return delivery.deliver(row, approvalContent(standing, groups, row.details), ttl, signal)
      },
    })
  }

  #setTimer(): void {
    clearTimeout(this.#timer)
    const next = this.#pace.nextAt()
    const waitMs = next === undefined ? undefined : Math.max(0, next - performance.now())
    const restMs = this.#isFailing ? (this.#options.againMs ?? defaultAgainMs) : waitMs
    if (restMs !== undefined) this.#timer = setTimeout(() => this.#wake(), restMs)
  }
}

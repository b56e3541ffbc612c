/**
 * Tells the browsers of those who may approve that messages and proposals wait. One process does it, which holds the lease; what is pushed is read from
 * what waits at the moment of sending, so that nobody is told of what is decided already, or may not be decided by them any more.
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

/** Approvals and proposals that wait, and the users who may decide them. Messages that belong together are a group, and so is each proposal with the messages in it. */
export interface WaitingFor {
  /** Groups of these approvals and proposals, as far as they wait. */
  groupsOf(approvalIds: readonly string[], proposalIds: readonly string[]): Promise<string[]>
  /** Groups in which something was asked for since then and still waits. */
  groupsSince(at: string): Promise<string[]>
  /** Undefined when nothing of these groups may be approved by the user at this moment. */
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
}

/** What was asked for so long before this process took over may not have been pushed. */
const catchUpMs = 5 * 60_000
/** Ids of approvals, and of proposals, that wait to be looked at. */
const mostIds = 1_000
const mostTtlSeconds = 7 * 24 * 60 * 60

export class ApprovalPushes {
  readonly #options: ApprovalPushesOptions
  readonly #pace: PushPace
  readonly #approvals = new Set<string>()
  readonly #proposals = new Set<string>()
  /** Permission prompts of agents. */
  readonly #others = new Set<string>()
  #claim: LeaseClaim | undefined
  readonly #unsubscribe: (() => void)[] = []
  #isCatchingUp = false
  #working: Promise<void> | undefined
  #isWorkWanted = false
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

  /** Of what no fact tells. @param id What waits: the group that it is by itself. */
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

  /** One round at a time, and one more when something came meanwhile. */
  #wake(): void {
    this.#isWorkWanted = true
    this.#working ??= this.#rounds().finally(() => {
      this.#working = undefined
    })
  }

  async #rounds(): Promise<void> {
    // What comes in the same turn is looked at together.
    await new Promise(setImmediate)
    while (this.#isWorkWanted && !this.#isStopped) {
      this.#isWorkWanted = false
      await this.#round().catch((err: unknown) => this.#options.logger.error({ err }, 'notifications were not sent'))
    }
    if (!this.#isStopped) this.#setTimer()
  }

  async #round(): Promise<void> {
    const { store, waiting, now } = this.#options
    if (!this.#claim?.find()) return
    const asked = [[...this.#approvals], [...this.#proposals]] as const
    this.#approvals.clear()
    this.#proposals.clear()
    const since = new Date(now() - catchUpMs).toISOString()
    const missed = this.#isCatchingUp ? await waiting.groupsSince(since) : []
    this.#isCatchingUp = false
    const isAsked = asked.some(ids => ids.length > 0)
    const others = [...this.#others]
    this.#others.clear()
    const groups = new Set([...missed, ...others, ...(isAsked ? await waiting.groupsOf(...asked) : [])])
    if (groups.size > 0) {
      for (const userId of await store.listUserIds()) for (const group of groups) this.#pace.note(userId, group, now())
    }
    for (const { userId, groups: due } of this.#pace.take(now())) {
      const standing = await waiting.standing(userId, due)
      if (!standing) continue
      this.#pace.told(userId, due, now())
      for (const row of await store.listOf(userId)) this.#add(row, due)
    }
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
    if (next !== undefined) this.#timer = setTimeout(() => this.#wake(), Math.max(0, next - this.#options.now()))
  }
}

/**
 * Ends approvals that are left undecided: expired ones, those whose message was cancelled, and those whose sender may
 * no longer send. In the last case messages that wait without an approval end too, before they are due.
 */
import type { EventHub } from '../events/event-hub.ts'
import type { OutboxService } from '../outbox/outbox-service.ts'
import type { Database } from '../platform/database/database.ts'
import { every } from '../platform/lifecycle.ts'
import type { Logger } from '../platform/logger.ts'
import { Problem } from '../platform/problem.ts'
import { decidedFact } from './approval-facts.ts'
import type { ApprovalStore } from './approval-store.ts'
import type { ApprovalRow } from './approval-tables.ts'
import type { ReleaseCheck } from './release-check.ts'
import type { Sender } from './sender-state.ts'

export interface ApprovalEndsOptions {
  store: ApprovalStore
  outbox: Pick<OutboxService, 'end' | 'find' | 'listWaitingSenders' | 'listWaitingOf'>
  releases: Pick<ReleaseCheck, 'hasEnded'>
  hub: Pick<EventHub, 'transact' | 'listen'>
  now(): number
  logger: Logger
}

export type Publish = Parameters<OutboxService['end']>[1]
type End = 'void' | 'expired' | 'ended'

const sweepEveryMs = 10_000
const sweptAtOnce = 100
/** Events that may end a sender's rights. */
const endings = ['token_revoked', 'token_updated', 'user_updated', 'user_removed'] as const
const senderEnded = {
  code: 'sender_not_allowed',
  why: 'It was withdrawn: the token or user that asked is no longer valid, or has fewer rights now.',
  server_response: null,
}

export class ApprovalEnds {
  readonly #options: ApprovalEndsOptions
  readonly #stopped = new AbortController()
  #sweeping: Promise<void> | undefined
  #isAgain = false
  #unsubscribe: (() => void)[] = []

  constructor(options: ApprovalEndsOptions) {
    this.#options = options
  }

  async start(): Promise<void> {
    const { hub, store, logger } = this.#options
    const failed = (err: unknown) => logger.error({ err }, 'the state of approvals could not be updated')
    const sweep = () => void this.sweep().catch(failed)
    this.#unsubscribe = [
      hub.listen('delivery_changed', ({ submission_id: submissionId, state }) => {
        if (state !== 'cancelled') return
        store
          .findOf(submissionId)
          .then(row => row && this.#close(row, 'void'))
          .catch(failed)
      }),
      ...endings.map(type => hub.listen(type, sweep)),
    ]
    every(sweepEveryMs, this.#stopped.signal, sweep, failed)
    await this.#closeGone()
    await this.sweep()
  }

  async stop(): Promise<void> {
    for (const unsubscribe of this.#unsubscribe) unsubscribe()
    this.#stopped.abort()
    await this.#sweeping?.catch(() => undefined)
  }

  /**
   * Ends approvals that have expired or whose sender may no longer send. One sweep runs at a time; a call during it
   * adds another.
   */
  async sweep(): Promise<void> {
    this.#isAgain = true
    this.#sweeping ??= this.#sweepAll().finally(() => {
      this.#sweeping = undefined
    })
    await this.#sweeping
  }

  async void(transaction: Database, publish: Publish, row: ApprovalRow): Promise<Problem> {
    const isVoid = await this.#options.store.change(transaction, row, { state: 'void' })
    if (isVoid) publish(decidedFact(row, 'void', null, this.#at()))
    return new Problem('approval_void', 'The message was cancelled or edited meanwhile; there is nothing to decide.')
  }

  async expire(transaction: Database, publish: Publish, row: ApprovalRow): Promise<void> {
    const { outbox, store } = this.#options
    const error = { code: 'expired', why: 'Nobody approved it in time.', server_response: null }
    const isEnded = await outbox.end(transaction, publish, row.submission_id, 'expired', error)
    const state = isEnded ? 'expired' : 'void'
    if (await store.change(transaction, row, { state })) publish(decidedFact(row, state, null, this.#at()))
  }

  async #close({ id }: Pick<ApprovalRow, 'id'>, end: End): Promise<void> {
    const { hub, store, outbox, releases } = this.#options
    await hub.transact(async (transaction, publish) => {
      const current = await store.find(id, transaction)
      if (current?.state !== 'waiting') return
      if (end === 'void') await this.void(transaction, publish, current)
      else if (end === 'ended') {
        if (!(await releases.hasEnded(current, transaction))) return
        await outbox.end(transaction, publish, current.submission_id, 'denied', senderEnded)
        await this.void(transaction, publish, current)
      } else if (current.expires_at <= this.#at()) await this.expire(transaction, publish, current)
    })
  }

  async #sweepAll(): Promise<void> {
    while (this.#isAgain && !this.#stopped.signal.aborted) {
      this.#isAgain = false
      await this.#closeAll('expired', () => this.#options.store.listExpired(this.#at(), sweptAtOnce))
      for (const sender of await this.#options.store.listSenders()) {
        if (!(await this.#options.releases.hasEnded(sender))) continue
        await this.#closeAll('ended', () => this.#options.store.listWaitingOf(sender, sweptAtOnce))
      }
      const { outbox, releases } = this.#options
      for (const sender of await outbox.listWaitingSenders()) {
        if (await releases.hasEnded(sender)) await this.#endLeaving(sender)
      }
    }
  }

  /** Ends a sender's messages that wait for their time or for another attempt. */
  async #endLeaving(sender: Sender): Promise<void> {
    const { hub, outbox, releases } = this.#options
    let before: string | undefined
    for (;;) {
      const ids = await outbox.listWaitingOf(sender, sweptAtOnce)
      // Failed ones are left for the next sweep, as below.
      if (ids.length === 0 || ids[0] === before) return
      before = ids[0]
      for (const id of ids) {
        if (this.#stopped.signal.aborted) return
        await hub.transact(async (transaction, publish) => {
          const row = await outbox.find(id, transaction)
          if (!row || row.due_at === null || !(await releases.hasEnded(row, transaction))) return
          await outbox.end(transaction, publish, id, 'denied', senderEnded)
        })
      }
      if (ids.length < sweptAtOnce) return
    }
  }

  async #closeAll(end: End, list: () => Promise<ApprovalRow[]>): Promise<void> {
    let before: string | undefined
    for (;;) {
      const rows = await list()
      // Failed ones are left for the next sweep.
      if (rows.length === 0 || rows[0]!.id === before) return
      before = rows[0]!.id
      for (const row of rows) {
        if (this.#stopped.signal.aborted) return
        await this.#close(row, end)
      }
      if (rows.length < sweptAtOnce) return
    }
  }

  /** Voids approvals whose messages were cancelled while no process listened. */
  async #closeGone(): Promise<void> {
    const { store, outbox } = this.#options
    for (let after: string | undefined; ; ) {
      const rows = await store.listWaiting({ accounts: undefined }, after, sweptAtOnce)
      for (const row of rows) {
        if ((await outbox.find(row.submission_id))?.state !== 'held') await this.#close(row, 'void')
      }
      after = rows.at(-1)?.id
      if (rows.length < sweptAtOnce) return
    }
  }

  #at(): string {
    return new Date(this.#options.now()).toISOString()
  }
}

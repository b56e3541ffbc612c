/** An outbox on an in-memory mail server, with the real queue on a real database and a clock that the test advances. */
import { randomBytes } from 'node:crypto'
import { expect, onTestFinished } from 'vitest'
import type { EventOf } from '../../contract/event.ts'
import type { SubmissionState } from '../../contract/submission.ts'
import { MemoryGateway } from '../../server/imap/adapters/memory-gateway.ts'
import { ConnectionPool } from '../../server/imap/connection-pool.ts'
import { MessageRefs } from '../../server/imap/message-ref.ts'
import { LeaseService } from '../../server/leases/lease-service.ts'
import { LeaseStore } from '../../server/leases/lease-store.ts'
import type { AccountOutboxOptions } from '../../server/outbox/account-outbox.ts'
import { MemorySenders } from '../../server/outbox/adapters/memory-sender.ts'
import { CopyMemory } from '../../server/outbox/copy-memory.ts'
import type { Leaving } from '../../server/outbox/leaving.ts'
import type { MailSenders } from '../../server/outbox/mail-sender.ts'
import type { FirstState } from '../../server/outbox/new-submission.ts'
import { OutboxQueue } from '../../server/outbox/outbox-queue.ts'
import { OutboxService } from '../../server/outbox/outbox-service.ts'
import { SubmissionDecisions } from '../../server/outbox/submission-decisions.ts'
import { SubmissionIds } from '../../server/outbox/submission-id.ts'
import { SubmissionStore } from '../../server/outbox/submission-store.ts'
import type { Database } from '../../server/platform/database/database.ts'
import { createLogger } from '../../server/platform/logger.ts'
import type { Principal } from '../../server/platform/principal.ts'
import { Signer } from '../../server/platform/secret-box.ts'
import type { TimerClock } from '../../server/platform/timer-clock.ts'
import { MessageBlobs, type Written } from './composed-messages.ts'
import { startHub } from './event-hub.ts'
import { principalOf } from './operation-world.ts'
import { patience } from './patience.ts'
import { keepAccount } from './watched-accounts.ts'

export const agent = principalOf('token-agent')
export const user = principalOf('session-1', { kind: 'session', userId: 'ann' })
const login = { host: 'memory', port: 25, tls: 'none', user: 'me', password: 'secret' } as const
const logger = createLogger('silent')

/** A clock that stands still until it is advanced, and then runs due timers in order. */
export class ManualClock implements TimerClock {
  #now = Date.parse('2026-11-29T00:00:00.000Z')
  readonly #timers = new Set<{ at: number; run: () => void }>()

  now = () => this.#now

  after(ms: number, run: () => void): () => void {
    const timer = { at: this.#now + ms, run }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  advance(ms: number): void {
    this.#now += ms
    for (const timer of [...this.#timers].sort((one, other) => one.at - other.at)) {
      if (timer.at > this.#now || !this.#timers.delete(timer)) continue
      timer.run()
    }
  }

  /** Delays of the pending timers, from which a test sees that the queue is idle. */
  get pending(): number[] {
    return [...this.#timers].map(({ at }) => at - this.#now).sort((one, other) => one - other)
  }
}

export interface OutboxWorldOptions {
  db?: Database
  senders?: MailSenders
  queue?: Omit<Partial<AccountOutboxOptions>, 'hub'>
  connections?: number
  clock?: TimerClock
}

/** Starts a world with the accounts `a` and `b`. */
export async function startOutbox(options: OutboxWorldOptions = {}) {
  const { hub, db } = await startHub(options.db)
  for (const id of ['a', 'b']) await keepAccount(db, id)
  const leases = new LeaseService({ store: new LeaseStore(db), isAlone: true, renews: false, logger })
  await leases.start()
  const store = new SubmissionStore(db)
  const senders = new MemorySenders()
  const clock = new ManualClock()
  const blobs = new MessageBlobs()
  const marks: string[] = []
  let refused = false
  const drafts: AccountOutboxOptions['drafts'] = {
    mark: async (_transaction, _tell, _draftId, state) => {
      if (refused) return false
      marks.push(state)
      return true
    },
  }
  /** Ids of principals that are frozen. */
  const frozen = new Set<string>()
  const isHeld = ({ principal_id: id }: { principal_id: string }) => frozen.has(id)
  const rules = { refused: new Set<string>(), account: '1' }
  const leaving: Leaving = {
    rulesIn: () => async row => {
      if (isHeld(row)) return { verdict: 'stopped' }
      if (rules.refused.has(row.principal_id))
        return { verdict: 'refused', code: 'sender_not_allowed', why: 'No more.' }
      return { verdict: 'leave', account: rules.account }
    },
    judgeAgain: async () => undefined,
  }
  const time = options.clock ?? clock
  const outbox = new OutboxService({
    store,
    ids: new SubmissionIds(),
    hub,
    drafts,
    blobs,
    isHeld,
    now: () => time.now(),
  })
  const decisions = new SubmissionDecisions({ store, outbox, drafts, hub, isHeld, now: () => time.now() })
  const gateway = new MemoryGateway()
  const limits = { connection_timeout_seconds: 5, max_connections: 50, connection_pool_size: 3 }
  const health = { setConnections: () => undefined }
  const imap = { host: 'memory', port: 143, tls: 'none', user: 'a', password: 'secret' } as const
  const pool = new ConnectionPool({ gateway, login: async () => imap, limits, health, logger })
  const refs = new MessageRefs(new Signer(randomBytes(32)))
  const noticed: string[] = []
  const notice = (_accountId: string, path: string) => void noticed.push(path)
  const memory = new CopyMemory()
  const shared = {
    pool,
    refs,
    memory,
    notice,
    store,
    hub,
    blobs,
    drafts,
    leases,
    leaving,
    logger,
    clock: time,
  }
  const newQueue = () =>
    new OutboxQueue({
      ...shared,
      senders: options.senders ?? senders,
      loginOf: async () => login,
      connections: () => options.connections ?? 3,
      ...options.queue,
    })
  let queue = newQueue()
  const facts: EventOf<'delivery_changed'>['data'][] = []
  const waiting = new Set<() => void>()
  hub.listen('delivery_changed', fact => {
    facts.push(fact)
    for (const look of waiting) look()
  })
  await queue.start()
  onTestFinished(async () => {
    await queue.stop()
    await pool.stop()
    await leases.stop()
  })
  const world = {
    ...{
      db,
      hub,
      store,
      senders,
      clock,
      blobs,
      marks,
      frozen,
      rules,
      outbox,
      decisions,
      facts,
      leases,
      gateway,
      pool,
      refs,
      noticed,
    },
    /** Makes marking drafts as sent fail, as if they had changed meanwhile. */
    refuseMarks: () => {
      refused = true
    },
    submit: (
      written: Written = {},
      state: FirstState = 'queued',
      more: { principal?: Principal; sendAt?: string } = {},
    ) =>
      hub.transact((transaction, publish) => {
        const { principal = agent, sendAt = null } = more
        const composed = blobs.write(written)
        return outbox.submit(transaction, publish, { principal, composed, state, sendAt, approvalId: null })
      }),
    get: (id: string) => outbox.get(user, id),
    /** Resolves once a submission reports the state; `attempts` tells repeated states apart. */
    until: async (id: string, state: SubmissionState, attempts?: number) => {
      const { promise, resolve } = Promise.withResolvers<void>()
      const look = () => {
        const last = facts.findLast(({ submission_id }) => submission_id === id)
        if (last?.state === state && (attempts === undefined || last.attempts === attempts)) resolve()
      }
      waiting.add(look)
      look()
      const timer = setTimeout(resolve, patience)
      await promise
      clearTimeout(timer)
      waiting.delete(look)
      const row = await world.get(id)
      expect([row.state, row.error]).toEqual([state, row.error])
      return row
    },
    /** Resolves once the copy in Sent has this state. */
    untilCopy: async (id: string, state: 'saved' | 'by_provider' | 'failed') => {
      await expect.poll(async () => (await world.get(id)).sent_copy.state, { timeout: patience }).toBe(state)
      return (await world.get(id)).sent_copy
    },
    restart: async () => {
      await queue.stop()
      queue = newQueue()
      await queue.start()
    },
    stop: () => queue.stop(),
    start: async () => {
      queue = newQueue()
      await queue.start()
    },
  }
  return world
}

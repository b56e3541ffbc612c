/** One process tells each browser once, of what waits at that moment. */
import { expect, onTestFinished, test } from 'vitest'
import type { Fact } from '../../contract/event.ts'
import { aUser } from '../../test/support/a-user.ts'
import { memoryDatabase } from '../../test/support/databases.ts'
import { startHub } from '../../test/support/event-hub.ts'
import type { LeaseListener } from '../leases/lease-service.ts'
import type { Lease } from '../platform/lease.ts'
import { createLogger } from '../platform/logger.ts'
import { UserStore } from '../users/user-store.ts'
import { ApprovalPushes, type WaitingFor } from './approval-pushes.ts'
import type { PushContent } from './push-message.ts'
import { PushQueue } from './push-queue.ts'
import type { PushOutcome } from './push-sender.ts'
import { PushStore } from './push-store.ts'

const logger = createLogger('silent')
const anyPace = { gatherMs: 0, apartMs: 0, groupMs: 0, perHour: 1_000 }
const lease: Lease = { name: 'push', fence: async () => undefined }
const later = '2099-01-01T00:00:00.000Z'

/** The only lease of a test, which grants and revokes it. */
class OneLease {
  readonly #claims: (LeaseListener & { lease: Lease | undefined })[] = []

  want(_name: string, listener: LeaseListener = {}) {
    const claim = { ...listener, lease: undefined as Lease | undefined }
    this.#claims.push(claim)
    if (this.#claims.length === 1) this.giveTo(0)
    const giveBack = async () => {
      claim.lease = undefined
    }
    return { find: () => claim.lease, giveBack }
  }

  giveTo(index: number): void {
    for (const [at, claim] of this.#claims.entries()) {
      const had = claim.lease !== undefined
      claim.lease = at === index ? lease : undefined
      if (at === index && !had) claim.won?.(lease)
      if (at !== index && had) claim.lost?.()
    }
  }
}

async function setUp({ processes = 1, pace = anyPace } = {}) {
  const db = await memoryDatabase()
  const { hub } = await startHub(db)
  const store = new PushStore(db)
  const at = new Date().toISOString()
  for (const user of ['ann', 'ben']) {
    await new UserStore(db).insert(aUser({ id: user }))
    const row = { id: user, token_hash: user, user_id: user, method: 'password', ip_address: '', user_agent: '' }
    await db
      .insertInto('sessions')
      .values({ ...row, created_at: at, last_seen_at: at, expires_at: at })
      .execute()
    await store.put(
      {
        ...{ id: `p-${user}`, user_id: user, session_id: user, endpoint: `https://push.example.org/${user}` },
        ...{ p256dh: '', auth: '', details: 'sender', user_agent: '', created_at: at },
        ...{ last_success_at: null, failing_since: null, last_fault: null },
      },
      { perUser: 20, inAll: 100 },
    )
  }
  /** Groups of what waits by its approval. */
  const waits = new Map<string, string>()
  const mayApprove = new Set(['ann', 'ben'])
  /** Called for each database query, which may fail. */
  const questions = { asked: (_what: 'groups' | 'standing'): void => undefined }
  const waiting: WaitingFor = {
    groupsOf: async (...asked) => {
      questions.asked('groups')
      return [...new Set(asked.flat().flatMap(id => waits.get(id) ?? []))]
    },
    groupsSince: async () => [...new Set(waits.values())],
    standing: async (userId, groups) => {
      questions.asked('standing')
      const own = [...waits].filter(([, group]) => groups.includes(group))
      if (!mayApprove.has(userId) || own.length === 0) return undefined
      const [[open]] = own as [[string, string]]
      return {
        count: own.length,
        proposals: 0,
        total: waits.size,
        asks: ['Bot'],
        account: 'Ann',
        open,
        expiresAt: later,
      }
    },
  }
  const told: { process: number; to: string; content: PushContent; ttl: number }[] = []
  const outcomes: PushOutcome[] = []
  /** Called before the outcome of an attempt is known. */
  const hooks = { told: (): void => undefined }
  const leases = new OneLease()
  const all = Array.from({ length: processes }, (_, process) => {
    const queue = new PushQueue({ observe: () => undefined, logger, delaysMs: [20, 20] })
    const pushes = new ApprovalPushes({
      ...{ hub, leases, store, waiting, queue, logger, pace, againMs: 1, now: Date.now },
      delivery: {
        deliver: async (row, content, ttl) => {
          told.push({ process, to: row.user_id, content: content as PushContent, ttl })
          hooks.told()
          return outcomes.shift() ?? { kind: 'sent' }
        },
      },
    })
    pushes.start()
    onTestFinished(() => pushes.stop())
    return pushes
  })
  const request = async (id: string) => {
    const data = { account_id: 'a', approval_id: id, submission_id: 's', principal: 'token-t', principal_name: 'Bot' }
    const fact: Fact = { type: 'approval_requested', data: { ...data, recipients: 1, expires_at: later, at } }
    await hub.transact(async (_transaction, publish) => publish(fact))
  }
  const ask = (id: string, group: string) => {
    waits.set(id, group)
    return request(id)
  }
  /** An item is added to it. */
  const propose = async (id: string) => {
    waits.set(id, id)
    const data = {
      account_id: 'a',
      proposal_id: id,
      principal: 'token-t',
      principal_name: 'Bot',
      state: 'open' as const,
    }
    const counts = { items: 1, waiting: 1, applied: 0, event: 'proposed' as const, item_ids: ['o'], by: null, at }
    const fact: Fact = { type: 'proposal_changed', data: { ...data, ...counts } }
    await hub.transact(async (_transaction, publish) => publish(fact))
  }
  return { propose, request, ask, told, waits, mayApprove, outcomes, hooks, questions, leases, all, store }
}

const toldOf = (told: { to: string; content: PushContent }[]) =>
  told.map(({ to, content }) => `${to} ${content.open}`).sort()

test('each browser of those who may approve is told once, though two processes hear of it', async () => {
  const { ask, told } = await setUp({ processes: 2 })
  await ask('one', 'g')
  await expect.poll(() => toldOf(told)).toEqual(['ann one', 'ben one'])
  expect(told.map(({ process }) => process)).toEqual([0, 0])
  expect(told[0]!.content).toEqual({
    ...{ kind: 'approvals', tag: 'g', count: 1, proposals: 0, total: 1, asks: 'Bot', account: 'Ann', open: 'one' },
  })
  // At most a week, however far away its expiry is.
  expect(told[0]!.ttl).toBe(7 * 24 * 3_600)
})

test('a proposal is told of once, whatever is added to it, and a message in it is no other', async () => {
  const { ask, propose, told } = await setUp({ pace: { ...anyPace, groupMs: 60_000 } })
  // What it takes over has been sent by then.
  await ask('first', 'f')
  await expect.poll(() => told.length).toBe(2)
  await propose('p1')
  await expect.poll(() => toldOf(told)).toEqual(['ann first', 'ann p1', 'ben first', 'ben p1'])
  for (let item = 0; item < 5; item++) await propose('p1')
  await ask('in-it', 'p1')
  // Due after the others would have been.
  await ask('alone', 'g')
  await expect
    .poll(() => toldOf(told))
    .toEqual(['ann alone', 'ann first', 'ann p1', 'ben alone', 'ben first', 'ben p1'])
  expect(new Set(told.map(({ content }) => content.tag))).toEqual(new Set(['f', 'p1', 'g']))
})

test('a process that takes over tells what may not have been told; the other one says nothing more', async () => {
  const { ask, told, leases } = await setUp({ processes: 2 })
  await ask('one', 'g')
  await expect.poll(() => told.length).toBe(2)
  leases.giveTo(1)
  await expect.poll(() => told.length).toBe(4)
  await ask('two', 'h')
  await expect.poll(() => told.length).toBe(6)
  expect(told.map(({ process }) => process)).toEqual([0, 0, 1, 1, 1, 1])
})

test('rights and what waits are looked at right before each attempt', async () => {
  const { ask, told, waits, mayApprove, outcomes, hooks } = await setUp()
  mayApprove.delete('ben')
  const busy: PushOutcome = { kind: 'retry', why: 'busy', afterMs: undefined }
  outcomes.push(busy)
  await ask('one', 'g')
  await expect.poll(() => toldOf(told)).toEqual(['ann one', 'ann one'])
  // Decided while the first attempt is under way.
  outcomes.push(busy)
  hooks.told = () => void waits.delete('two')
  await ask('two', 'h')
  await expect.poll(() => told.length).toBe(3)
  await ask('three', 'i')
  await expect.poll(() => told.length).toBe(4)
  // Due long after the second attempt at the other would have been.
  outcomes.push(busy)
  hooks.told = () => undefined
  await ask('four', 'k')
  await expect.poll(() => told.length).toBe(6)
  expect(told.map(({ content }) => content.open)).toEqual(['one', 'one', 'two', 'three', 'four', 'four'])
})

test('a browser that was removed meanwhile is not told', async () => {
  const { ask, told, store, outcomes } = await setUp()
  await store.remove('p-ben')
  outcomes.push({ kind: 'retry', why: 'busy', afterMs: 1 })
  await ask('one', 'g')
  await expect.poll(() => toldOf(told)).toEqual(['ann one', 'ann one'])
})

test('a request that arrives at the very end of a round is notified too, in whichever step', async () => {
  const { request, told, waits, questions, all, mayApprove } = await setUp()
  mayApprove.delete('ben')
  for (let steps = 0; steps < 40; steps++) {
    const id = `late-${steps}`
    questions.asked = what => {
      if (what !== 'groups') return
      questions.asked = () => undefined
      let left = steps
      const step = () => {
        if (left-- > 0) return queueMicrotask(step)
        waits.set(id, id)
        all[0]!.note(id)
      }
      step()
    }
    // Nothing waits: the round ends without a notification.
    await request('nothing')
    await expect.poll(() => told.length, { interval: 1 }).toBe(steps + 1)
  }
})

test('what the database could not be asked for is told when it answers again', async () => {
  const { ask, told, questions } = await setUp()
  const failures = { groups: 2, standing: 2 }
  questions.asked = what => {
    if (failures[what]-- > 0) throw new Error('the database is away')
  }
  await ask('one', 'g')
  await expect.poll(() => told.length).toBe(2)
  expect([failures.groups, failures.standing < 0]).toEqual([-1, true])
  expect(toldOf(told)).toEqual(['ann one', 'ben one'])
})

test('its end waits for what is under way, and nothing is told after it', async () => {
  const { ask, told, all } = await setUp()
  await ask('one', 'g')
  await expect.poll(() => told.length).toBe(2)
  await all[0]!.stop()
  await ask('two', 'h')
  expect(told).toHaveLength(2)
})

/**
 * Waiting messages change only as allowed: of several concurrent changes one succeeds, and each caller sees their own.
 */
import { describe, expect, test } from 'vitest'
import type { EventOf } from '../../contract/event.ts'
import { MessageBlobs } from '../../test/support/composed-messages.ts'
import { onEachDatabase } from '../../test/support/databases.ts'
import { startHub } from '../../test/support/event-hub.ts'
import { principalOf } from '../../test/support/operation-world.ts'
import { keepAccount } from '../../test/support/watched-accounts.ts'
import type { Database } from '../platform/database/database.ts'
import type { FirstState } from './new-submission.ts'
import { OutboxService } from './outbox-service.ts'
import { SubmissionIds } from './submission-id.ts'
import { SubmissionStore } from './submission-store.ts'

const agent = principalOf('token-1')
const other = principalOf('token-2')
const user = principalOf('session-1', { kind: 'session', userId: 'ann' })
const stranger = principalOf('session-2', { kind: 'session', userId: 'bob', accounts: new Set(['b']) })

async function startOutbox(db: Database, mostWaiting = 100) {
  const { hub } = await startHub(db)
  for (const id of ['a', 'b']) await keepAccount(db, id)
  const store = new SubmissionStore(db)
  const marks: string[] = []
  const blobs = new MessageBlobs()
  const drafts = { mark: async (_t: unknown, _f: unknown, _d: string, state: string) => marks.push(state) > 0 }
  const held = new Set<string>()
  const isHeld = ({ principal_id: id }: { principal_id: string }) => held.has(id)
  const outbox = new OutboxService({ store, ids: new SubmissionIds(), hub, drafts, blobs, isHeld, mostWaiting })
  const facts: EventOf<'delivery_changed'>['data'][] = []
  hub.listen('delivery_changed', fact => facts.push(fact))
  const submit = (state: FirstState, more: { principal?: typeof agent; sendAt?: string; accountId?: string } = {}) => {
    const { principal = agent, sendAt = null, accountId = 'a' } = more
    const submitted = { principal, composed: blobs.write({ accountId }), state, sendAt, approvalId: null }
    return hub.transact((transaction, publish) => outbox.submit(transaction, publish, submitted))
  }
  const release = (id: string, hash: string) =>
    hub.transact((transaction, publish) => outbox.release(transaction, publish, id, hash))
  return { hub, store, outbox, marks, held, facts, blobs, submit, release }
}

describe('the outbox', () =>
  onEachDatabase(open => {
    test('a message is released once, and only with the hash that was approved', async () => {
      const { submit, release, outbox, facts } = await startOutbox(await open())
      const { id, hash } = await submit('held')
      expect(await release(id, 'another')).toBe(false)
      const released = await Promise.all(Array.from({ length: 20 }, () => release(id, hash)))
      expect(released.filter(Boolean)).toHaveLength(1)
      expect(await outbox.get(agent, id)).toMatchObject({ state: 'queued', hash, attempts: 0 })
      expect(facts.map(({ state }) => state)).toEqual(['held', 'queued'])
    })

    test('one that is to be sent later is scheduled when it is released', async () => {
      const { submit, release, outbox } = await startOutbox(await open())
      const { id, hash } = await submit('held', { sendAt: '2999-01-01T00:00:00.000Z' })
      expect(await release(id, hash)).toBe(true)
      expect(await outbox.get(agent, id)).toMatchObject({ state: 'scheduled', send_at: '2999-01-01T00:00:00.000Z' })
    })

    test('of cancel, deny, release and edit at once one wins, and an approval of the old message lets no other go', async () => {
      const { hub, submit, release, outbox, blobs, marks } = await startOutbox(await open())
      for (let round = 0; round < 10; round++) {
        const { id, hash } = await submit('held')
        const edited = blobs.write()
        const outcomes = await Promise.all([
          release(id, hash),
          hub.transact((transaction, publish) => outbox.end(transaction, publish, id, 'denied')),
          hub.transact((transaction, publish) => outbox.replace(transaction, publish, id, hash, edited)),
          release(id, hash),
        ])
        const row = await outbox.get(agent, id)
        if (row.state === 'queued') expect(row.hash).toBe(hash)
        if (row.hash === edited.hash) expect(['held', 'denied']).toContain(row.state)
        expect(outcomes.filter(Boolean).length).toBeGreaterThan(0)
      }
      expect(marks.filter(mark => mark === 'submitted')).toHaveLength(10)
    })

    test('what was edited while it was held is another message', async () => {
      const { hub, submit, release, outbox, blobs } = await startOutbox(await open())
      const { id, hash } = await submit('held')
      const composed = blobs.write({ subject: 'Dinner', to: ['bob@there.test'] })
      expect(await hub.transact((t, publish) => outbox.replace(t, publish, id, hash, composed))).toBe(true)
      expect(await release(id, hash)).toBe(false)
      expect(await release(id, composed.hash)).toBe(true)
      const sent = await outbox.get(agent, id)
      expect([sent.subject, sent.recipients.map(({ email }) => email)]).toEqual(['Dinner', ['bob@there.test']])
    })

    test('cancelling opens the draft again, may be repeated, and is too late once sending has begun', async () => {
      const { hub, store, submit, outbox, marks } = await startOutbox(await open())
      const { id } = await submit('scheduled', { sendAt: '2999-01-01T00:00:00.000Z' })
      expect(await outbox.cancel(agent, id)).toMatchObject({ state: 'cancelled', can: [] })
      expect(await outbox.cancel(agent, id)).toMatchObject({ state: 'cancelled' })
      expect(marks).toEqual(['submitted', 'open'])
      const begun = await submit('queued')
      await hub.transact(t => store.change(t, begun.id, { states: ['queued'] }, { state: 'sending' }))
      await expect(outbox.cancel(agent, begun.id)).rejects.toMatchObject({ code: 'not_possible_now' })
    })

    test('a token sees its own, a user those of their accounts', async () => {
      const { submit, outbox, held } = await startOutbox(await open())
      const own = await submit('held')
      const others = await submit('held', { principal: other })
      const elsewhere = await submit('queued', { principal: other, accountId: 'b' })
      const seenBy = async (principal: typeof agent, query = {}) =>
        (await outbox.list(principal, { limit: 10, ...query })).items.map(({ id }) => id)
      expect(await seenBy(agent)).toEqual([own.id])
      expect(await seenBy(user)).toEqual([elsewhere.id, others.id, own.id])
      expect(await seenBy(stranger)).toEqual([elsewhere.id])
      expect(await seenBy(user, { state: 'queued' })).toEqual([elsewhere.id])
      expect(await seenBy(user, { state: 'queued', is_open: 'false' })).toEqual([])
      for (const [principal, id] of [
        [agent, others.id],
        [stranger, own.id],
      ] as const) {
        await expect(outbox.get(principal, id)).rejects.toMatchObject({ code: 'submission_not_found' })
        await expect(outbox.cancel(principal, id)).rejects.toMatchObject({ code: 'submission_not_found' })
        expect((await outbox.get(user, id)).state).toBe('held')
      }
      await expect(outbox.list(stranger, { account_id: 'a', limit: 1 })).rejects.toMatchObject({
        code: 'account_not_found',
      })
      held.add(other.id)
      expect((await outbox.get(user, others.id)).is_frozen).toBe(true)
      expect((await outbox.get(user, own.id)).is_frozen).toBe(false)
    })

    test('pages follow each other, and no more messages wait than an account may have', async () => {
      const { submit, outbox } = await startOutbox(await open(), 3)
      const rows = [await submit('held'), await submit('queued'), await submit('scheduled')]
      await expect(submit('held')).rejects.toMatchObject({ code: 'too_many_submissions' })
      expect((await submit('held', { accountId: 'b' })).state).toBe('held')
      const first = await outbox.list(agent, { account_id: 'a', limit: 2 })
      expect(first.next_cursor).toBe(rows[1]!.id)
      const second = await outbox.list(agent, { account_id: 'a', limit: 2, cursor: first.next_cursor! })
      expect([...first.items, ...second.items].map(({ id }) => id)).toEqual(rows.map(({ id }) => id).toReversed())
      expect(second.next_cursor).toBeNull()
      await expect(outbox.list(agent, { limit: 2, cursor: 'x' })).rejects.toMatchObject({ code: 'bad_request' })
    })
  }))

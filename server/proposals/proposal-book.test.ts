/** The book of proposals: items that end in the same moment, and drafts that become messages. */
import { expect, test } from 'vitest'
import { proposalBounds } from '../../contract/proposal.ts'
import { onEachDatabase } from '../../test/support/databases.ts'
import { agent } from '../../test/support/draft-world.ts'
import { startHub } from '../../test/support/event-hub.ts'
import { keepAccount } from '../../test/support/watched-accounts.ts'
import type { Principal } from '../platform/principal.ts'
import type { ProposedItem } from '../platform/proposal-intake.ts'
import { ProposalBook } from './proposal-book.ts'
import { ProposalIds } from './proposal-id.ts'
import { ProposalStore } from './proposal-store.ts'

const item = (id: string, kind: ProposedItem['kind'] = 'operation', hash = id): ProposedItem => ({
  ...{ id, kind, hash, words: id },
  ...{ needsFirst: [], messages: 1, deletions: 0 },
})

onEachDatabase(open => {
  async function start() {
    const { hub, db, facts } = await startHub(await open())
    for (const id of ['a', 'b']) await keepAccount(db, id)
    const store = new ProposalStore(db)
    const modeOf = async () => 'propose' as const
    const clock = { now: Date.now() }
    const book = new ProposalBook({ store, ids: new ProposalIds(), modeOf, now: () => clock.now })
    const putFor = (principal: Principal, accountId: string, ...items: ProposedItem[]) =>
      hub.transact((transaction, publish) => book.put(transaction, publish, principal, accountId, items))
    const put = (...items: ProposedItem[]) => putFor(agent, 'a', ...items)
    const close = (proposal_id: string, id: string, hash = id) =>
      hub.transact((transaction, publish) =>
        book.close(transaction, publish, { proposal_id, id, hash }, { state: 'applied' }),
      )
    return { hub, store, book, clock, put, putFor, close, facts }
  }

  test('items that end in the same moment leave no proposal open, and each is told of once', async () => {
    const { store, put, close, facts } = await start()
    const ids = Array.from({ length: 12 }, (_, index) => `item-${index}`)
    const id = await put(...ids.map(each => item(each)))
    const ended = await Promise.all([...ids, ...ids].map(each => close(id, each)))
    expect(ended.filter(Boolean)).toHaveLength(12)
    expect((await store.find(id))?.state).toBe('applied')
    const applied = facts().flatMap(fact =>
      fact.type === 'proposal_changed' && fact.data.event === 'applied' ? [fact.data] : [],
    )
    expect(applied.map(({ item_ids }) => item_ids[0]).sort()).toEqual([...ids].sort())
    expect(applied.at(-1)).toMatchObject({ state: 'applied', waiting: 0, applied: 12 })
    expect(await close(id, 'item-0', 'other')).toBe(false)
  })

  test('what is proposed joins only an open, unexpired proposal of the same caller in the same account', async () => {
    const { store, clock, put, putFor, close } = await start()
    const first = await put(item('one'))
    expect(await put(item('two'))).toBe(first)
    const other = { ...agent, id: 'token-other', name: 'Other' }
    const ofOthers = await putFor(other, 'a', item('three'))
    const inOther = await putFor(agent, 'b', item('four'))
    expect(new Set([first, ofOthers, inOther]).size).toBe(3)
    expect(await store.find(ofOthers)).toMatchObject({ principal_id: other.id, account_id: 'a' })
    // Back to the first: neither the newest proposal nor the newest of the caller is taken.
    expect(await put(item('five'))).toBe(first)
    for (const id of ['one', 'two', 'five']) await close(first, id)
    const second = await put(item('six'))
    expect(second).not.toBe(first)
    clock.now += proposalBounds.hours * 60 * 60_000
    expect(await put(item('seven'))).not.toBe(second)
  })

  test('an identical change of another caller, in another account, or decided is no twin', async () => {
    const { hub, book, put, putFor, close } = await start()
    const other = { ...agent, id: 'token-other', name: 'Other' }
    const twinOf = (hash: string) => hub.transact(transaction => book.findTwin(transaction, agent, 'a', hash))
    await putFor(other, 'a', item('theirs', 'operation', 'same'))
    await putFor(agent, 'b', item('elsewhere', 'operation', 'same'))
    const id = await put(item('different'), item('decided', 'operation', 'same'), item('open'))
    await close(id, 'decided', 'same')
    expect(await twinOf('same')).toBeUndefined()
    await put(item('mine', 'operation', 'same'))
    expect(await twinOf('same')).toBe('mine')
  })

  test('a draft waits with its latest revision, and is no item any more once it is proposed as a message', async () => {
    const { hub, store, book, put, facts } = await start()
    const id = await put(item('draft', 'draft', 'one'))
    expect(await put(item('draft', 'draft', 'two'))).toBe(id)
    expect((await store.items([id])).map(({ hash }) => hash)).toEqual(['two'])
    await put(item('message', 'message'))
    await hub.transact(transaction => book.drop(transaction, 'draft'))
    expect((await store.items([id])).map(row => row.id)).toEqual(['message'])
    // Nothing is left of a proposal whose only item moved to another.
    await hub.transact(transaction => book.drop(transaction, 'message'))
    expect(await store.find(id)).toBeUndefined()
    expect(facts().filter(({ type }) => type === 'proposal_changed')).toHaveLength(3)
  })
})

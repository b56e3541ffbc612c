/** The book of proposals: items that end in the same moment, and drafts that become messages. */
import { expect, test } from 'vitest'
import { onEachDatabase } from '../../test/support/databases.ts'
import { agent } from '../../test/support/draft-world.ts'
import { startHub } from '../../test/support/event-hub.ts'
import { keepAccount } from '../../test/support/watched-accounts.ts'
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
    await keepAccount(db, 'a')
    const store = new ProposalStore(db)
    const modeOf = async () => 'propose' as const
    const book = new ProposalBook({ store, ids: new ProposalIds(), modeOf })
    const put = (...items: ProposedItem[]) =>
      hub.transact((transaction, publish) => book.put(transaction, publish, agent, 'a', items))
    const close = (proposal_id: string, id: string, hash = id) =>
      hub.transact((transaction, publish) =>
        book.close(transaction, publish, { proposal_id, id, hash }, { state: 'applied' }),
      )
    return { hub, store, book, put, close, facts }
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

/** The read-ahead of an operation is used if nothing arrived before it, and nothing is sent before it is stored. */
import { expect, onTestFinished, test, vi } from 'vitest'
import { agent, startOperations, type WorldOptions } from '../../test/support/operation-world.ts'
import { MemoryWriter } from '../imap/adapters/memory-capabilities.ts'
import { LeaseLost } from '../platform/lease.ts'
import { Problem } from '../platform/problem.ts'
import { noProposals } from '../platform/proposal-intake.ts'
import { AccountLane } from './account-lane.ts'
import { LookedAhead } from './looked-ahead.ts'
import type { Looked } from './mail-step.ts'
import { newItem, newOperation } from './new-operation.ts'
import { isPlaced, type OperationRow } from './operation-tables.ts'

const lost = () => new Problem('mail_server_unreachable', 'The connection was lost.', { fault: 'closed' })
const archive = { role: 'archive' } as const

/**
 * Sets up two messages, and a queue that has found itself empty. From then on, accepting waits in its transaction until
 * the read-ahead has ended, or `inTransaction` is done.
 */
async function idle(options: WorldOptions = {}) {
  let isBegun = false
  const work: { inTransaction?: (() => Promise<void>) | undefined } = {}
  const still = async () => {
    if (!isBegun) return
    const its = work.inTransaction
    work.inTransaction = undefined
    if (its) return its()
    await vi.waitFor(() => expect(world.pool.connections('a')?.busy).toBe(0))
  }
  const world = await startOperations({ mayChange: async () => still, ...options })
  for (const subject of ['one', 'two']) world.gateway.deliver({ subject, messageId: `<${subject}@test.local>` })
  const found = vi.spyOn(world.store, 'findNext')
  const seenEmpty = async () => {
    const rows = await Promise.all(found.mock.results.map(({ value }) => value))
    expect([rows.length > 0, rows.at(-1)]).toEqual([true, undefined])
  }
  await world.run({ kind: 'flags', ids: world.refsIn('INBOX'), add: ['begun'] })
  await vi.waitFor(seenEmpty)
  await world.run({ kind: 'flags', ids: world.refsIn('INBOX'), remove: ['begun'] })
  await vi.waitFor(seenEmpty)
  isBegun = true
  const told: string[] = []
  world.gateway.delay = step => {
    if (/^(setFlags|move|copy|expunge)$/.test(step)) told.push(step)
  }
  const rows: OperationRow[] = []
  const insert = world.store.insert.bind(world.store)
  const inserted = vi.spyOn(world.store, 'insert').mockImplementation((transaction, operation, items) => {
    rows.push({ ...operation })
    return insert(transaction, operation, items)
  })
  const saved = vi.spyOn(world.store, 'saveItems')
  /** States of the messages as first stored. */
  const stored = () => inserted.mock.calls.map(([, , items]) => items.map(({ state }) => state).join())
  return { world, work, told, stored, saved, rows, seenEmpty }
}

test('it is stored with what is about to be told, which is told once, and answered as it was taken in', async () => {
  const { world, told, stored, saved, rows } = await idle()
  const ids = world.refsIn('INBOX')
  const moved = await world.accept({ kind: 'move', ids, to: archive })
  expect([moved.state, moved.results.map(({ state }) => state)]).toEqual(['pending', ['waiting', 'waiting']])
  const done = await world.settled(moved.id)
  expect([done.state, done.results.map(({ new_ref }) => new_ref)]).toEqual(['done', world.refsIn('Archive')])
  expect([told, stored(), saved.mock.calls.length]).toEqual([['move'], ['sent,sent'], 1])
  expect(rows).toMatchObject([{ state: 'pending', done: 0, settled_at: null }])
  expect(JSON.parse(rows[0]?.intent ?? '')).toMatchObject({ to: 'Archive' })
  const { undone } = await world.undo.undoOne(agent, moved.id, false, { signal: AbortSignal.any([]) })
  await world.allSettled(undone.map(({ undo }) => undo))
  expect([world.in('INBOX'), world.in('Archive')]).toEqual([['one', 'two'], []])
})

test('it is looked at while it is asked whether it may be done; its folder is opened for it behind that', async () => {
  const asked = Promise.withResolvers<void>()
  const begun = Promise.withResolvers<void>()
  let isHeldUp = false
  const { world, told } = await idle({
    mayChange: async () => {
      if (!isHeldUp) return undefined
      begun.resolve()
      return asked.promise.then(() => undefined)
    },
  })
  const looks: string[] = []
  const { delay } = world.gateway
  world.gateway.delay = step => {
    if (/^(changesSince|listArrivals)$/.test(step)) looks.push(step)
    return delay(step)
  }
  const prepared = vi.spyOn(MemoryWriter.prototype, 'prepare')
  onTestFinished(() => prepared.mockRestore())
  isHeldUp = true
  const moving = world.run({ kind: 'move', ids: world.refsIn('INBOX'), to: archive })
  await begun.promise
  await vi.waitFor(() => expect([looks.length, world.pool.connections('a')?.busy]).toEqual([2, 0]))
  expect([told, prepared.mock.calls]).toEqual([[], []])
  asked.resolve()
  expect((await moving).state).toBe('done')
  expect([looks, told]).toEqual([['listArrivals', 'changesSince'], ['move']])
  expect(prepared.mock.calls).toEqual([['INBOX']])
})

test('what was read before another one came is read once more', async () => {
  const asked = Promise.withResolvers<void>()
  let first: Promise<void> | undefined
  const { world, told } = await idle({ mayChange: async () => first?.then(() => undefined) })
  const ids = world.refsIn('INBOX')
  first = asked.promise
  const flagged = world.run({ kind: 'flags', ids, add: ['late'] })
  await new Promise(setImmediate)
  first = undefined
  expect((await world.run({ kind: 'move', ids, to: archive })).state).toBe('done')
  asked.resolve()
  expect((await flagged).state).toBe('done')
  expect([told, world.in('INBOX'), world.in('Archive')]).toEqual([['move', 'setFlags'], [], ['one late', 'two late']])
})

test('of flags only those are taken back that it changed', async () => {
  const { world, stored, seenEmpty } = await idle()
  const [, one = ''] = world.refsIn('INBOX')
  world.gateway.getFolder('INBOX').messages[1]!.keywords = ['kept']
  const flagged = await world.run({ kind: 'flags', ids: world.refsIn('INBOX'), add: ['kept'] })
  expect([flagged.state, stored()]).toEqual(['done', ['done,sent']])
  await vi.waitFor(seenEmpty)
  const { undone } = await world.undo.undoOne(agent, flagged.id, false, { signal: AbortSignal.any([]) })
  await world.allSettled(undone.map(({ undo }) => undo))
  expect(world.in('INBOX')).toEqual(['one', 'two kept'])
  expect((await world.run({ kind: 'flags', ids: [one], add: ['kept'] })).state).toBe('done')
})

test('what is refused in the transaction is published nowhere, and the next one is read ahead as well', async () => {
  const { world, work, told, stored, seenEmpty } = await idle()
  const ids = world.refsIn('INBOX')
  work.inTransaction = async () => {
    throw new Problem('frozen', 'A human stopped it.')
  }
  await expect(world.accept({ kind: 'move', ids, to: archive })).rejects.toMatchObject({ code: 'frozen' })
  await vi.waitFor(seenEmpty)
  expect([told, stored()]).toEqual([[], []])
  expect((await world.run({ kind: 'move', ids, to: archive })).state).toBe('done')
  expect([told, stored()]).toEqual([['move'], ['sent,sent']])
})

test('where another one comes meanwhile, both are done in their order, as they find the messages', async () => {
  const { world, work, told } = await idle()
  const ids = world.refsIn('INBOX')
  const second = Promise.withResolvers<Awaited<ReturnType<typeof world.accept>>>()
  work.inTransaction = async () => {
    await vi.waitFor(() => expect(world.pool.connections('a')?.busy).toBe(0))
    world.accept({ kind: 'flags', ids, add: ['later'] }).then(second.resolve, second.reject)
    // It gets as far as its own transaction, which waits for this one.
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
  }
  const first = await world.accept({ kind: 'move', ids, to: archive })
  await world.allSettled([first, await second.promise])
  expect([told, world.in('INBOX'), world.in('Archive')]).toEqual([['move', 'setFlags'], [], ['one later', 'two later']])
})

test('a change of before it, of which the queue hears first, does not make it miss its messages', async () => {
  const { world, told, stored } = await idle()
  const ids = world.refsIn('INBOX')
  // One transaction accepts both, so both are looked at as if nothing was ahead of them.
  const operations = await Promise.all([
    world.accept({ kind: 'move', ids, to: archive }),
    world.accept({ kind: 'flags', ids, add: ['later'] }),
    world.accept({ kind: 'copy', ids, to: { role: 'junk' } }),
  ])
  for (const { id } of operations) expect((await world.settled(id)).state).toBe('done')
  expect([world.in('INBOX'), world.in('Archive')]).toEqual([[], ['one later', 'two later']])
  expect(world.in('Junk')).toHaveLength(2)
  expect([told.filter(step => step === 'move'), stored().length]).toEqual([['move'], 3])
})

test.each(['move', 'copy'] as const)(
  'of messages that another program deletes since they were looked at, %s says that they are gone',
  async kind => {
    const { world, work, told } = await idle()
    const ids = world.refsIn('INBOX')
    work.inTransaction = async () => {
      await vi.waitFor(() => expect(world.pool.connections('a')?.busy).toBe(0))
      world.gateway.getFolder('INBOX').messages = []
    }
    const { state, results } = await world.run({ kind, ids, to: archive })
    expect([told, state, results.map(each => each.state)]).toEqual([[kind], 'failed', ['gone', 'gone']])
    expect(world.in('Archive')).toEqual([])
  },
)

test('those that come while the first one is looked at are stored and done behind it', async () => {
  const { world, work, rows } = await idle()
  const ids = world.refsIn('INBOX')
  const looked = Promise.withResolvers<void>()
  const { delay } = world.gateway
  world.gateway.delay = step => {
    delay(step)
    return step === 'listArrivals' ? looked.promise : undefined
  }
  const goOn = async () => {
    work.inTransaction = goOn
  }
  work.inTransaction = goOn
  const wanted = [archive, { role: 'junk' } as const, { role: 'trash' } as const]
  const taken = await Promise.all(wanted.map(to => world.accept({ kind: 'move', ids, to })))
  looked.resolve()
  await world.allSettled(taken)
  const inOrder = taken.map(({ id }) => id).toSorted()
  expect([taken.map(({ id }) => id), rows.map(({ id }) => id)]).toEqual([inOrder, inOrder])
  expect(world.in('Trash')).toEqual(['one', 'two'])
  const { undone } = await world.undo.undoSince(
    agent,
    { principal: agent.id, since: rows[0]!.at, dry_run: false },
    { signal: AbortSignal.any([]) },
  )
  await world.allSettled(undone.map(({ undo }) => undo))
  expect(world.in('INBOX')).toEqual(['one', 'two'])
})

test('one that is found out to be proposed or not later than others is stored before them', async () => {
  const asked: PromiseWithResolvers<boolean>[] = []
  const isProposing = (_principal: unknown, db?: unknown) => {
    if (db) return Promise.resolve(false)
    asked.push(Promise.withResolvers())
    return asked.at(-1)!.promise
  }
  const world = await startOperations({ intake: { ...noProposals, isProposing } })
  world.gateway.deliver({ subject: 'one' })
  const ids = world.refsIn('INBOX')
  const taken = [archive, { role: 'junk' } as const].map(to => world.accept({ kind: 'move', ids, to }))
  await vi.waitFor(() => expect(asked).toHaveLength(2))
  asked[1]!.resolve(false)
  await new Promise(setImmediate)
  expect(await world.store.newestId()).toBeUndefined()
  asked[0]!.resolve(false)
  await world.allSettled(await Promise.all(taken))
  expect(world.in('Junk')).toEqual(['one'])
})

test('where the queue is woken for something else first, the stored operation is checked once more, since it was not announced', async () => {
  const { world, told, stored, saved } = await idle()
  const { wake } = AccountLane.prototype
  const heard = vi.spyOn(AccountLane.prototype, 'wake').mockImplementation(function (this: AccountLane, id) {
    if (id !== undefined) wake.call(this, 'another')
    wake.call(this, id)
  })
  onTestFinished(() => heard.mockRestore())
  const moved = await world.run({ kind: 'move', ids: world.refsIn('INBOX'), to: archive })
  expect([moved.state, told, stored(), world.in('Archive')]).toEqual(['done', ['move'], ['sent,sent'], ['one', 'two']])
  // Only intent and result are stored: it does not count as possibly sent.
  expect(saved).toHaveBeenCalledTimes(2)
})

test('what a human stops before it is told waits, and is done when it may be', async () => {
  let isStopped = false
  const { world, told, stored } = await idle({ queue: { isHeld: () => isStopped } })
  const ids = world.refsIn('INBOX')
  isStopped = true
  const { id } = await world.accept({ kind: 'flags', ids, add: ['later'] })
  const states = async () => (await world.service.get(agent, id)).results.map(({ state }) => state)
  await vi.waitFor(async () => expect(await states()).toEqual(['waiting', 'waiting']))
  expect([told, stored(), world.in('INBOX')]).toEqual([[], ['sent,sent'], ['one', 'two']])
  isStopped = false
  world.lookAgain()
  expect((await world.settled(id)).state).toBe('done')
  expect([told, world.in('INBOX')]).toEqual([['setFlags'], ['one later', 'two later']])
})

test('where the connection is lost before it is told, and where the queue stops, it is done later, once', async () => {
  const { world, told, stored, seenEmpty } = await idle()
  const ids = world.refsIn('INBOX')
  let isLost = false
  world.gateway.delay = step => {
    if (step === 'copy') told.push(step)
    if (step !== 'copy' || isLost) return
    isLost = true
    throw lost()
  }
  const copied = await world.run({ kind: 'copy', ids, to: { role: 'junk' } })
  expect([copied.state, told, stored(), world.in('Junk')]).toEqual([
    'done',
    ['copy', 'copy'],
    ['sent,sent'],
    ['one', 'two'],
  ])
  await vi.waitFor(seenEmpty)
  // Stopped right after it was stored, as by kill -9.
  const held = Promise.withResolvers<void>()
  const reached = Promise.withResolvers<void>()
  world.gateway.delay = step => {
    if (step !== 'move') return
    reached.resolve()
    return held.promise
  }
  const { id } = await world.accept({ kind: 'move', ids, to: archive })
  await reached.promise
  const restarting = world.restart()
  held.reject(lost())
  world.gateway.delay = () => undefined
  await restarting
  expect((await world.settled(id)).state).toBe('done')
  expect([stored().at(-1), world.in('INBOX'), world.in('Archive')]).toEqual(['sent,sent', [], ['one', 'two']])
})

test('without the lease, and before it was read, it is stored as it was taken in', async () => {
  const { db } = await startOperations()
  const operation = newOperation(agent, { id: '1', accountId: 'a', kind: 'delete', args: {} })
  const place = { path: 'INBOX', uidValidity: 1, uid: 1 }
  const items = [newItem(operation, 0, '{}', { messageId: null, place })]
  const looked = { verdicts: new Map(items.filter(isPlaced).map(item => [item, { state: 'sent' as const }])) }
  const ahead = async (fence: () => Promise<void>, looking = Promise.resolve<Looked | undefined>(looked)) => {
    const made = new LookedAhead({ operation, items }, { name: 'operations:a', fence }, looking)
    await Promise.race([made.looking, new Promise(setImmediate)])
    return { made, stored: await made.toStore(db) }
  }
  const { made, stored } = await ahead(async () => undefined)
  expect([stored?.items[0]?.state, made.stored, items[0]?.state]).toEqual(['sent', stored, 'waiting'])
  const isLost = async () => {
    throw new LeaseLost('operations:a')
  }
  expect(await ahead(isLost)).toMatchObject({ made: { stored: undefined }, stored: undefined })
  await expect(ahead(() => Promise.reject(new Error('the disk is full')))).rejects.toThrow('the disk is full')
  expect((await ahead(async () => undefined, new Promise(() => undefined))).stored).toBeUndefined()
  made.spoil()
  expect(await made.toStore(db)).toBeUndefined()
})

test('a look that came to nothing is not waited for any longer', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  const operation = newOperation(agent, { id: '1', accountId: 'a', kind: 'delete', args: {} })
  const lease = { name: 'operations:a', fence: async () => undefined }
  const near = new LookedAhead({ operation, items: [] }, lease, new Promise(() => undefined), 1)
  const over = near.soon().then(() => true)
  const isOver = () => Promise.race([over, new Promise(resolve => setImmediate(() => resolve(false)))])
  expect(await isOver()).toBe(false)
  near.spoil()
  expect(await isOver()).toBe(true)
})

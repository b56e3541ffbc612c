/** The last change is undone first, whatever its id and the clock, even if it was half done before another one. */
import { expect, test, vi } from 'vitest'
import { agent, signal, startOperations } from '../../test/support/operation-world.ts'
import type { HeldOperation } from './operation-control.ts'
import type { OperationRow } from './operation-tables.ts'

/** Called by the queue. */
const isHalfDone = (operation: HeldOperation) => (operation as OperationRow).done > 0
const ever = '2020-01-01T00:00:00.000Z'

async function filled() {
  const world: { isHeld(operation: HeldOperation): boolean; now(): number } = { isHeld: () => false, now: Date.now }
  const started = await startOperations({
    queue: { isHeld: async operation => world.isHeld(operation), now: () => world.now() },
  })
  for (const subject of ['one', 'two']) started.gateway.deliver({ subject, messageId: `<${subject}@test.local>` })
  const [, one = ''] = started.refsIn('INBOX')
  const folders = () => ['INBOX', 'Archive', 'Junk'].map(path => started.in(path).sort())
  return {
    ...started,
    world,
    one,
    folders,
    /** @returns Ids in the order in which they are undone. */
    undoAll: async () => {
      const report = await started.undo.undoSince(
        agent,
        { principal: agent.id, since: ever, dry_run: false },
        { signal },
      )
      await started.allSettled(report.undone.map(({ undo }) => undo))
      const undos = report.undone.toSorted((one, other) => (one.undo!.id < other.undo!.id ? -1 : 1))
      return undos.map(({ operation }) => operation.id)
    },
    goOn: () => {
      world.isHeld = () => false
      started.lookAgain()
    },
  }
}

test('an operation that was held is undone before a later one that was done before it', async () => {
  const { world, one, folders, accept, run, settled, goOn, undoAll } = await filled()
  const before = folders()
  world.isHeld = () => true
  const held = await accept({ kind: 'move', ids: [one], to: { role: 'archive' } })
  world.isHeld = ({ id }) => id === held.id
  const later = await run({ kind: 'move', ids: [one], to: { role: 'junk' } })
  goOn()
  expect((await settled(held.id)).state).toBe('done')
  expect(folders()).toEqual([['two'], ['one'], []])
  expect([later.id > held.id, await undoAll()]).toEqual([true, [held.id, later.id]])
  expect(folders()).toEqual(before)
})

test('after the clock was set back, what was done then is still undone first', async () => {
  const { world, one, folders, run, restart, undoAll } = await filled()
  const before = folders()
  const added = await run({ kind: 'flags', ids: [one], add: ['urgent'] })
  world.now = () => Date.now() - 3_600_000
  // After a restart, earlier times are known only from the database.
  await restart()
  const removed = await run({ kind: 'flags', ids: [one], remove: ['urgent'] })
  expect(await undoAll()).toEqual([removed.id, added.id])
  expect(folders()).toEqual(before)
})

test('an operation that was held halfway is undone behind what was done to its messages meanwhile', async () => {
  const { world, folders, refsIn, accept, run, settled, goOn, undoAll, store, in: messagesIn } = await filled()
  await run({ kind: 'move', ids: refsIn('INBOX').slice(0, 1), to: { role: 'junk' } }, { ...agent, id: 'another' })
  const before = folders()
  const ids = [...refsIn('INBOX'), ...refsIn('Junk')]
  world.isHeld = operation => isHalfDone(operation)
  const { id } = await accept({ kind: 'move', ids, to: { role: 'archive' } })
  world.isHeld = operation => operation.id === id && isHalfDone(operation)
  await vi.waitFor(async () => expect((await store.find(id))?.done).toBe(1))
  expect(messagesIn('Archive')).toEqual(['one'])
  const later = await run({ kind: 'move', ids: refsIn('Archive'), to: { role: 'junk' } })
  goOn()
  expect((await settled(id)).state).toBe('done')
  expect(folders()).toEqual([[], ['two'], ['one']])
  expect(await undoAll()).toEqual([later.id, id])
  expect(folders()).toEqual(before)
})

/** Control of operations: a refused change leaves nothing behind, and a held operation is overtaken by others. */
import { expect, test } from 'vitest'
import { agent, principalOf, signal, startOperations } from '../../test/support/operation-world.ts'
import { Problem } from '../platform/problem.ts'
import type { HeldOperation, RequestedChange } from './operation-control.ts'

test('a change that may not be is refused before anything is stored, and so is its undo', async () => {
  const asked: RequestedChange[] = []
  let mayChange = true
  const world = await startOperations({
    mayChange: async (_principal, _accountId, change) => {
      asked.push(change)
      if (!mayChange) throw new Problem('forbidden', 'Not in this folder.')
      return undefined
    },
  })
  world.gateway.deliver({ subject: 'one' })
  const ids = world.refsIn('INBOX')
  const wanted = { kind: 'move', ids: [...ids, 'AAAAAAAAAAAAAAAAAAAA'], to: { role: 'archive' } } as const
  const moved = await world.run(wanted)
  expect(asked).toMatchObject([
    { kind: 'move', undoOf: undefined, messages: [{ place: { path: 'INBOX' }, change: { to: 'Archive' } }] },
  ])
  mayChange = false
  await expect(world.accept({ kind: 'flags', ids, add: ['seen'] })).rejects.toThrow('Not in this folder.')
  await expect(world.undo.undoOne(agent, moved.id, false, { signal })).rejects.toThrow('Not in this folder.')
  expect(asked.at(-1)).toMatchObject({ kind: 'move', undoOf: moved.id, messages: [{ change: { to: 'INBOX' } }] })
  // A dry run is not a change.
  expect((await world.undo.undoOne(agent, moved.id, true, { signal })).changes).toHaveLength(1)
  const { items } = await world.service.list(agent, { limit: 10 })
  expect(items.map(({ id, undone_by }) => [id, undone_by])).toEqual([[moved.id, null]])
})

test('what is held waits, others pass it, and it is done when it is held no more', async () => {
  let isHeld = (operation: HeldOperation) => operation.principal_id === agent.id
  const world = await startOperations({ queue: { isHeld: operation => isHeld(operation) } })
  world.gateway.deliver({ subject: 'one' })
  const ids = world.refsIn('INBOX')
  const held = await world.accept({ kind: 'flags', ids, add: ['seen'] })
  const { state } = await world.run({ kind: 'flags', ids, add: ['flagged'] }, principalOf('token-other'))
  expect([state, world.in('INBOX')]).toEqual(['done', ['one flagged']])
  await world.restart()
  await world.run({ kind: 'flags', ids, remove: ['flagged'] }, principalOf('token-other'))
  expect(world.in('INBOX')).toEqual(['one'])
  expect((await world.service.get(agent, held.id)).state).toBe('pending')
  isHeld = () => false
  world.lookAgain()
  expect((await world.settled(held.id)).state).toBe('done')
  expect(world.in('INBOX')).toEqual(['one seen'])
})

test('one that is held while it is looked at tells the mail server nothing more', async () => {
  let isHeld = false
  const world = await startOperations({ queue: { isHeld: ({ principal_id }) => isHeld && principal_id === agent.id } })
  for (const subject of ['one', 'two']) world.gateway.deliver({ subject, messageId: `<${subject}@test.local>` })
  const ids = world.refsIn('INBOX')
  const commands: string[] = []
  const hasLooked = Promise.withResolvers<void>()
  world.gateway.delay = step => {
    commands.push(step)
    if (step !== 'changesSince') return
    isHeld = true
    hasLooked.resolve()
  }
  const { id } = await world.accept({ kind: 'move', ids, to: { role: 'archive' } })
  await hasLooked.promise
  // A later operation is done, which shows that this one is no longer running.
  await world.run({ kind: 'flags', ids, add: ['seen'] }, principalOf('token-other'))
  expect(commands).not.toContain('move')
  expect((await world.store.items(id)).map(({ state }) => state)).toEqual(['waiting', 'waiting'])
  expect([world.in('INBOX'), world.in('Archive')]).toEqual([['one seen', 'two seen'], []])
  isHeld = false
  world.gateway.delay = () => undefined
  world.lookAgain()
  expect((await world.settled(id)).state).toBe('done')
  expect(world.in('Archive')).toEqual(['one seen', 'two seen'])
})

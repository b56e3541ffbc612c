/** The queue looks before it repeats anything, keeps order per account, isolates accounts, and gives up after a day. */
import { expect, test, vi } from 'vitest'
import { agent, signal, startOperations } from '../../test/support/operation-world.ts'
import { UnknownOutcome } from '../imap/gateway-capabilities.ts'
import { Problem } from '../platform/problem.ts'

const lost = () => new Problem('mail_server_unreachable', 'The connection was lost.', { fault: 'closed' })

/** Loses the next response to this command, after it took effect. */
function loseAnswer(world: Awaited<ReturnType<typeof startOperations>>, command: string): { count: number } {
  const told = { count: 0 }
  world.gateway.delay = step => {
    if (step === command) told.count++
    if (step === `${command} answered` && told.count === 1) throw lost()
  }
  return told
}

async function filled(...subjects: string[]) {
  const world = await startOperations()
  for (const [index, subject] of subjects.entries())
    world.gateway.deliver({ subject, messageId: `<${index}@test.local>` })
  return world
}

test('what was done before the answer was lost is not done again, and its places are found', async () => {
  const world = await filled('one', 'two')
  const ids = world.refsIn('INBOX')
  const moves = loseAnswer(world, 'move')
  const moved = await world.run({ kind: 'move', ids, to: { role: 'archive' } })
  expect([moved.state, moves.count, world.in('INBOX'), world.in('Archive')]).toEqual(['done', 1, [], ['one', 'two']])
  expect(moved.results.map(({ new_ref }) => new_ref)).toEqual(world.refsIn('Archive'))
  const copies = loseAnswer(world, 'copy')
  const copied = await world.run({ kind: 'copy', ids, to: { role: 'junk' } })
  expect([copied.state, copies.count, world.in('Junk')]).toEqual(['done', 1, ['one', 'two']])
  const flags = loseAnswer(world, 'setFlags')
  expect((await world.run({ kind: 'flags', ids, add: ['seen'] })).state).toBe('done')
  expect([flags.count, world.in('Archive')]).toEqual([1, ['one seen', 'two seen']])
  const deletions = loseAnswer(world, 'expunge')
  expect((await world.run({ kind: 'delete', ids })).state).toBe('done')
  expect([deletions.count, world.in('Archive')]).toEqual([1, []])
})

test('what comes when nothing is left to do is done as it was taken in, and once, however late it is told', async () => {
  const world = await filled('one')
  const found = vi.spyOn(world.store, 'findNext')
  const read = async () => (await Promise.all(found.mock.results.map(({ value }) => value))).map(row => row?.id)
  /** Waits until the queue has found itself empty afterwards. */
  const flag = async (name: string) => {
    found.mockClear()
    const done = await world.run({ kind: 'flags', ids: world.refsIn('INBOX'), add: [name] })
    await vi.waitFor(async () => {
      const rows = await read()
      expect([rows.length > 0, rows.at(-1)]).toEqual([true, undefined])
    })
    return done
  }
  const first = await flag('a')
  expect(await read()).toContain(first.id)
  // Another program has removed it since.
  world.gateway.getFolder('INBOX').messages[0]!.keywords = []
  const told = () => world.facts.filter(fact => fact.operation_id === first.id && fact.state === 'pending')
  world.hub.publish({ type: 'operation_changed', data: told()[0]! })
  await vi.waitFor(() => expect(told()).toHaveLength(2))
  await flag('b')
  expect(world.in('INBOX')).toEqual(['one b'])
  const { id, state } = await flag('c')
  expect([state, world.in('INBOX')]).toEqual(['done', ['one b c']])
  expect(await read()).not.toContain(id)
})

test('of a change that was done in two tries all is undone', async () => {
  const world = await filled('one')
  const ids = world.refsIn('INBOX')
  await world.run({ kind: 'flags', ids, add: ['later'] })
  let count = 0
  world.gateway.delay = step => {
    if (step === 'setFlags' && ++count === 2) throw lost()
  }
  const { id, state } = await world.run({ kind: 'flags', ids, add: ['urgent'], remove: ['later'] })
  expect([state, count, world.in('INBOX')]).toEqual(['done', 4, ['one urgent']])
  await world.allSettled((await world.undo.undoOne(agent, id, false, { signal })).undone.map(({ undo }) => undo))
  expect(world.in('INBOX')).toEqual(['one later'])
})

test('of two equal messages each has its own place', async () => {
  const world = await startOperations()
  const same = { messageId: '<same@test.local>', date: '2026-01-01T00:00:00.000Z', sizeBytes: 100 }
  for (const subject of ['one', 'two', 'three']) world.gateway.deliver({ subject, ...same })
  const ids = world.refsIn('INBOX').slice(0, 2)
  loseAnswer(world, 'move')
  const { state, results } = await world.run({ kind: 'move', ids, to: { role: 'archive' } })
  expect([state, new Set(results.map(({ new_ref }) => new_ref)).size]).toEqual(['done', 2])
  expect([world.in('INBOX'), world.in('Archive')]).toEqual([['one'], ['two', 'three']])
})

test('what cannot be found out is unknown, and is not repeated', async () => {
  const world = await filled('one')
  const ids = world.refsIn('INBOX')
  let count = 0
  world.gateway.delay = step => {
    if (step === 'move') count++
    if (step !== 'move answered') return
    // Another program removes it at this moment.
    world.gateway.getFolder('Archive').messages = []
    throw lost()
  }
  const { state, results } = await world.run({ kind: 'move', ids, to: { role: 'archive' } })
  expect([state, count]).toEqual(['unknown', 1])
  expect(results).toMatchObject([{ state: 'unknown', new_ref: null }])
  await expect(
    world.undo.undoOne(agent, (await world.service.list(agent, { limit: 1 })).items[0]!.id, false, { signal }),
  ).rejects.toMatchObject({ code: 'cannot_undo' })
})

test('a message that is in both folders is removed from the first, unless nothing tells it apart', async () => {
  const world = await startOperations()
  const alike = { date: '2026-01-01T00:00:00.000Z', sizeBytes: 100 }
  world.gateway.deliver({ subject: 'named', messageId: '<1@test.local>', ...alike })
  world.gateway.deliver({ subject: 'nameless', messageId: null, ...alike })
  const [nameless = '', named = ''] = world.refsIn('INBOX')
  const source = world.gateway.getFolder('INBOX')
  const before = source.messages
  let count = 0
  world.gateway.delay = step => {
    if (step === 'move') count++
    if (step !== 'move answered') return
    // The state after COPY and before STORE.
    source.messages = before.filter(({ uid }) => count === 1 || uid !== before[0]!.uid)
    throw lost()
  }
  expect((await world.run({ kind: 'move', ids: [named], to: { role: 'archive' } })).state).toBe('done')
  expect([count, world.in('INBOX'), world.in('Archive')]).toEqual([1, ['nameless'], ['named']])
  const { state } = await world.run({ kind: 'move', ids: [nameless], to: { role: 'archive' } })
  expect([state, count]).toEqual(['unknown', 2])
  expect([world.in('INBOX'), world.in('Archive')]).toEqual([['nameless'], ['named', 'nameless']])
})

test('one account that is stuck holds up no other one, and its own operations keep their order', async () => {
  const world = await filled('one', 'two')
  const [two = '', one = ''] = world.refsIn('INBOX')
  const stuck = Promise.withResolvers<void>()
  let isFirst = true
  world.gateway.delay = step => {
    if (step !== 'setFlags' || !isFirst) return
    isFirst = false
    return stuck.promise
  }
  const first = await world.accept({ kind: 'flags', ids: [one], add: ['seen'] })
  const second = await world.accept({ kind: 'flags', ids: [one], remove: ['seen'] })
  const { folder, uidValidity, uid } = world.refs.decode('a', two) as {
    folder: string
    uidValidity: number
    uid: number
  }
  const other = await world.service.accept(
    agent,
    'b',
    { kind: 'flags', ids: [world.refs.encode('b', { folder, uidValidity, uid })], add: ['flagged'] },
    signal,
  )
  expect((await world.settled(other.id)).state).toBe('done')
  expect((await world.service.get(agent, second.id)).state).toBe('pending')
  stuck.resolve()
  await world.allSettled([first, second])
  expect(world.in('INBOX')).toEqual(['one', 'two flagged'])
})

test('a stop while it waits for the mail server refuses nothing: it is done after the next start', async () => {
  for (const command of ['listArrivals', 'changesSince', 'move']) {
    const world = await filled('one')
    const reached = Promise.withResolvers<void>()
    const stopped = Promise.withResolvers<void>()
    world.gateway.delay = step => {
      if (step !== command) return
      reached.resolve()
      return stopped.promise
    }
    const { id } = await world.accept({ kind: 'move', ids: world.refsIn('INBOX'), to: { role: 'archive' } })
    await reached.promise
    const restarting = world.restart()
    stopped.resolve()
    world.gateway.delay = () => undefined
    await restarting
    expect(await world.settled(id), command).toMatchObject({ state: 'done', results: [{ code: null }] })
    expect([world.in('INBOX'), world.in('Archive')]).toEqual([[], ['one']])
  }
})

test('what waits is done after the next start, and what was given up says why', async () => {
  const world = await filled('one')
  const ids = world.refsIn('INBOX')
  await world.stop()
  const { id } = await world.accept({ kind: 'flags', ids, add: ['seen'] })
  await world.restart()
  expect((await world.settled(id)).state).toBe('done')
  const late = await startOperations({ queue: { giveUpMs: 0 } })
  late.gateway.deliver({ subject: 'one' })
  late.gateway.delay = step => {
    if (step === 'setFlags') throw lost()
  }
  const given = await late.run({ kind: 'flags', ids: late.refsIn('INBOX'), add: ['seen'] })
  expect(given).toMatchObject({ state: 'failed', results: [{ code: 'gave_up', why: 'The connection was lost.' }] })
})

test('a change whose answer is lost and that was not done is sent again after a pause', async () => {
  const world = await startOperations({ queue: { backoff: { firstMs: 3_600_000, maxMs: 3_600_000, random: () => 1 } } })
  world.gateway.deliver({ subject: 'one' })
  let sent = 0
  world.gateway.delay = step => {
    if (step !== 'setFlags') return
    sent++
    throw new UnknownOutcome(lost())
  }
  const { id } = await world.accept({ kind: 'flags', ids: world.refsIn('INBOX'), add: ['seen'] })
  await expect.poll(() => sent).toBeGreaterThan(0)
  // An attempt without a pause would be among these.
  for (let turn = 0; turn < 60; turn++) await world.store.find(id)
  // The news of its acceptance may end the first pause.
  expect(sent).toBeLessThanOrEqual(2)
})

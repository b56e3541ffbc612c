/** Undo of one operation, and of all that a caller did, with a dry run; later changes are not overwritten. */
import { describe, expect, test } from 'vitest'
import type { UndoReport } from '../../contract/operations.ts'
import { agent, operator, principalOf, signal, startOperations } from '../../test/support/operation-world.ts'
import type { Wanted } from './operation-service.ts'

const problem = (code: string) => expect.objectContaining({ code })
const ever = '2020-01-01T00:00:00.000Z'

async function filled(...subjects: string[]) {
  const world = await startOperations()
  for (const [index, subject] of subjects.entries())
    world.gateway.deliver({ subject, messageId: `<${index}@test.local>`, flags: index % 2 === 0 ? ['flagged'] : [] })
  const undoOne = (id: string, principal = agent, isDryRun = false) =>
    world.undo.undoOne(principal, id, isDryRun, { signal })
  const undoAll = (principal = agent, isDryRun = false, whose = agent.id) =>
    world.undo.undoSince(principal, { principal: whose, since: ever, dry_run: isDryRun }, { signal })
  const settled = async (report: UndoReport) => {
    await world.allSettled(report.undone.map(({ undo }) => undo))
    return report
  }
  const folders = () => Object.fromEntries([...world.gateway.folders.keys()].map(path => [path, world.in(path).sort()]))
  return { ...world, undoOne, undoAll, done: settled, folders }
}

test('what is not finished cannot be undone yet', async () => {
  const world = await filled('one')
  await world.stop()
  const { id } = await world.accept({ kind: 'flags', ids: world.refsIn('INBOX'), add: ['seen'] })
  await expect(world.undoOne(id)).rejects.toThrow('The operation is not finished yet.')
})

test('nor does what is still being done count among all that is undone', async () => {
  const world = await filled('one')
  const { id } = await world.run({ kind: 'flags', ids: world.refsIn('INBOX'), add: ['seen'] })
  await world.stop()
  // Its last message is done, and that it is finished is not stored yet.
  await world.db.updateTable('operations').set({ state: 'pending' }).where('id', '=', id).execute()
  expect((await world.undoAll()).undone).toMatchObject([{ undo: null, will_change: 0 }])
  expect((await world.service.list(agent, { limit: 9 })).items).toHaveLength(1)
})

test('a message whose outcome is unknown is left as it is', async () => {
  const world = await filled('one')
  const { id } = await world.run({ kind: 'flags', ids: world.refsIn('INBOX'), add: ['seen'] })
  await world.db.updateTable('operation_items').set({ state: 'unknown' }).where('operation_id', '=', id).execute()
  const { undone, changes } = await world.undoAll()
  expect(undone).toMatchObject([{ undo: null, will_change: 0 }])
  expect(changes.map(({ why }) => why)).toEqual(['It is not known what became of the message.'])
  expect(world.in('INBOX')).toEqual(['one flagged seen'])
})

test('a token undoes nothing of others, and nobody anything in an account that they may not see', async () => {
  const world = await filled('one')
  await world.run({ kind: 'flags', ids: world.refsIn('INBOX'), add: ['seen'] })
  for (const whose of [agent.id, 'token-that-did-nothing'])
    await expect(world.undoAll(principalOf('token-other'), false, whose)).rejects.toEqual(problem('forbidden'))
  const asked = { principal: agent.id, since: ever, account_id: 'a', dry_run: true }
  const elsewhere = { ...operator, accounts: new Set(['b']) }
  await expect(world.undo.undoSince(elsewhere, asked, { signal })).rejects.toEqual(problem('account_not_found'))
  // Nor do they learn whether an account exists in which nothing was done.
  const idle = { ...asked, account_id: 'z' }
  await expect(world.undo.undoSince(elsewhere, idle, { signal })).rejects.toEqual(problem('account_not_found'))
  expect((await world.undo.undoSince(operator, asked, { signal })).undone).toHaveLength(1)
  expect(world.in('INBOX')).toEqual(['one flagged seen'])
})

test('only what an operation changed is undone: a flag that was there before stays', async () => {
  const world = await filled('one', 'two')
  const before = world.folders()
  const { id } = await world.run({ kind: 'flags', ids: world.refsIn('INBOX'), add: ['flagged', 'seen'] })
  const shown = await world.undoOne(id, agent, true)
  expect(shown).toMatchObject({ dry_run: true, undone: [{ undo: null, will_change: 2, conflict: 0 }] })
  expect(shown.changes.map(({ folder, action, remove }) => [folder, action, remove])).toEqual([
    ['INBOX', 'set_flags', ['flagged', 'seen']],
    ['INBOX', 'set_flags', ['seen']],
  ])
  expect(world.in('INBOX')).toEqual(['one flagged seen', 'two flagged seen'])
  const report = await world.done(await world.undoOne(id))
  expect(report.undone[0]!.undo).toMatchObject({ undo_of: id, kind: 'flags' })
  expect(world.folders()).toEqual(before)
  expect(await world.service.get(agent, id)).toMatchObject({ undone_by: report.undone[0]!.undo!.id })
  await expect(world.undoOne(id)).rejects.toThrow('as it was before')
})

test('moves are taken back, copies are removed, and a deletion is named as impossible', async () => {
  const world = await filled('one', 'two', 'three')
  const [three = '', two = '', one = ''] = world.refsIn('INBOX')
  const before = world.folders()
  await world.run({ kind: 'move', ids: [two, three], to: { role: 'archive' } })
  await world.run({ kind: 'copy', ids: [one], to: { role: 'junk' } })
  await world.run({ kind: 'flags', ids: [two], add: ['urgent'] })
  await world.run({ kind: 'move', ids: [two], to: { role: 'trash' } })
  const shown = await world.undoAll(agent, true)
  expect(shown.undone.map(({ operation, will_change }) => [operation.kind, will_change])).toEqual([
    ['move', 1],
    ['flags', 1],
    ['copy', 1],
    ['move', 2],
  ])
  await world.done(await world.undoAll())
  expect(world.folders()).toEqual(before)
  await world.run({ kind: 'delete', ids: [one] })
  const again = await world.undoAll(agent, true)
  const [deleted, ...rest] = again.undone
  expect(deleted).toMatchObject({ operation: { kind: 'delete' }, impossible: 1, will_change: 0 })
  expect(rest.filter(({ will_change }) => will_change > 0)).toEqual([])
  expect(again.changes[0]).toMatchObject({ outcome: 'impossible', why: 'The message was deleted permanently.' })
})

test('older operations are asked for behind the last one that was listed', async () => {
  const world = await filled('one', 'two')
  const [two = '', one = ''] = world.refsIn('INBOX')
  const oldest = await world.run({ kind: 'move', ids: [one], to: { role: 'archive' } })
  const newest = await world.run({ kind: 'move', ids: [two], to: { role: 'archive' } })
  const asked = { principal: agent.id, since: ever, before: newest.id, dry_run: false }
  const report = await world.done(await world.undo.undoSince(agent, asked, { signal }))
  expect(report).toMatchObject({ undone: [{ operation: { id: oldest.id } }], has_more: false })
  expect([world.in('INBOX'), world.in('Archive')]).toEqual([['one flagged'], ['two']])
})

test('a session of work is undone alone, and only within its principal', async () => {
  const world = await filled('one', 'two', 'three')
  const [three = '', two = '', one = ''] = world.refsIn('INBOX')
  const named = (workSession: string, id = agent.id) => ({ ...principalOf(id), workSession })
  const archive = (id: string, by: typeof agent) => world.run({ kind: 'move', ids: [id], to: { role: 'archive' } }, by)
  const [first, second, others] = [
    await archive(one, named('run-1')),
    await archive(two, named('run-2')),
    await archive(three, named('run-1', 'token-other')),
  ]
  expect([first.session, second.session, others.session]).toEqual(['run-1', 'run-2', 'run-1'])
  const listed = await world.service.list(operator, { session: 'run-1', limit: 10 })
  expect(listed.items.map(({ id }) => id)).toEqual([others.id, first.id])
  const own = await world.service.list(agent, { session: 'run-1', limit: 10 })
  expect(own.items.map(({ id }) => id)).toEqual([first.id])
  const asked = { principal: agent.id, session: 'run-1', dry_run: false }
  await expect(world.undo.undoSince(principalOf('token-other'), asked, { signal })).rejects.toEqual(
    problem('forbidden'),
  )
  const key = 'undo-run'
  const report = await world.done(await world.undo.undoSince(agent, asked, { signal, key }))
  expect(report.undone.map(({ operation }) => operation.id)).toEqual([first.id])
  expect([world.in('INBOX'), world.in('Archive').sort()]).toEqual([['one flagged'], ['three flagged', 'two']])
  await expect(world.undo.undoSince(agent, { ...asked, session: 'run-2' }, { signal, key })).rejects.toEqual(
    problem('idempotency_key_reused'),
  )
  const later = { ...asked, session: 'run-2', since: new Date(Date.now() + 60_000).toISOString() }
  expect((await world.undo.undoSince(agent, later, { signal })).undone).toEqual([])
})

describe('what somebody changed since is named and left as it is', () => {
  test('a message that was moved elsewhere, and one that is gone', async () => {
    const world = await filled('one', 'two', 'three')
    const ids = world.refsIn('INBOX')
    const { id } = await world.run({ kind: 'move', ids, to: { role: 'archive' } })
    // Changed by another caller of this server, and by another mail program.
    const other = principalOf('token-other')
    await world.run({ kind: 'move', ids: [ids[0]!], to: { role: 'trash' } }, other)
    world.gateway.getFolder('Archive').messages.splice(0, 1)
    const { changes, undone } = await world.done(await world.undoOne(id))
    expect(changes.map(({ outcome, why }) => [outcome, why])).toEqual([
      ['conflict', 'It was moved to Trash since.'],
      ['will_change', null],
      ['conflict', 'The message no longer exists.'],
    ])
    expect(undone[0]!.undo).toMatchObject({ counts: { total: 1 } })
    expect([world.in('INBOX').length, world.in('Trash').length, world.in('Archive').length]).toEqual([1, 1, 0])
  })

  test('a copy whose original is gone is kept', async () => {
    const world = await filled('one')
    const { id } = await world.run({ kind: 'copy', ids: world.refsIn('INBOX'), to: { role: 'archive' } })
    world.gateway.getFolder('INBOX').messages = []
    await expect(world.undoOne(id)).rejects.toEqual(problem('cannot_undo'))
    expect(world.in('Archive')).toEqual(['one flagged'])
  })

  test('also when it happens between the list and its turn', async () => {
    const world = await filled('one', 'two')
    const ids = world.refsIn('INBOX')
    const copied = await world.run({ kind: 'copy', ids: [ids[0]!], to: { role: 'junk' } })
    const moved = await world.run({ kind: 'move', ids: [ids[1]!], to: { role: 'archive' } })
    await world.stop()
    const undos = [await world.undoOne(copied.id), await world.undoOne(moved.id)].map(({ undone }) => undone[0]!.undo!)
    world.gateway.getFolder('INBOX').messages = []
    world.gateway.getFolder('Archive').messages = []
    await world.restart()
    expect(await world.settled(undos[0]!.id)).toMatchObject({ state: 'failed', results: [{ code: 'conflict' }] })
    expect(await world.settled(undos[1]!.id)).toMatchObject({ results: [{ state: 'gone' }] })
    expect(world.in('Junk')).toHaveLength(1)
  })
})

test('a caller undoes its own; what others did, only a person with the right, and no token', async () => {
  const world = await filled('one')
  const { id } = await world.run({ kind: 'flags', ids: world.refsIn('INBOX'), add: ['seen'] })
  const other = principalOf('token-other')
  await expect(world.undoOne(id, other)).rejects.toEqual(problem('operation_not_found'))
  await expect(world.undoAll(other)).rejects.toEqual(problem('forbidden'))
  const narrowed = principalOf(agent.id, { accounts: new Set(['b']) })
  await expect(world.undoOne(id, narrowed)).rejects.toEqual(problem('operation_not_found'))
  expect((await world.undoAll(narrowed)).undone).toEqual([])
  const lowered = principalOf(agent.id, { scopes: new Set(['mail:meta', 'mail:read']) })
  await expect(world.undoOne(id, lowered)).rejects.toEqual(problem('forbidden'))
  await expect(world.undoAll(lowered)).rejects.toEqual(problem('forbidden'))
  const person = principalOf('session-2', {
    kind: 'session',
    userId: 'bob',
    scopes: new Set(['mail:meta', 'mail:read']),
  })
  await expect(world.undoOne(id, person)).rejects.toEqual(problem('operation_not_found'))
  expect((await world.undoAll(person)).undone).toEqual([])
  expect(world.in('INBOX')).toEqual(['one flagged seen'])
  const cleaner = principalOf('session-3', {
    kind: 'session',
    userId: 'eve',
    scopes: new Set(['mail:meta', 'dashboard:operate']),
  })
  await world.done(await world.undoAll(cleaner))
  expect(world.in('INBOX')).toEqual(['one flagged'])
})

test('an undo under a key is done once, and can be undone itself', async () => {
  const world = await filled('one')
  const ids = world.refsIn('INBOX')
  const { id } = await world.run({ kind: 'move', ids, to: { role: 'archive' } })
  const call = { signal, key: 'undo-1' }
  const [first, second] = [
    await world.undo.undoOne(agent, id, false, call),
    await world.undo.undoOne(agent, id, false, call),
  ]
  expect(second.undone).toEqual(first.undone)
  await world.done(first)
  expect(world.in('INBOX')).toHaveLength(1)
  await world.done(await world.undoOne(first.undone[0]!.undo!.id))
  expect(world.in('Archive')).toHaveLength(1)
  await world.stop()
  const waiting = await world.accept({ kind: 'flags', ids, add: ['seen'] })
  await expect(world.undoOne(waiting.id)).rejects.toEqual(problem('cannot_undo'))
})

test('after any operations and undos, undoing everything gives the first state', async () => {
  for (let seed = 1; seed <= 25; seed++) {
    const world = await filled('one', 'two', 'three', 'four', 'five')
    const before = world.folders()
    const random = generator(seed)
    const pick = <T>(all: readonly T[]): T => all[Math.floor(random() * all.length)]!
    const paths = ['INBOX', 'Archive', 'Junk', 'Trash']
    const done: string[] = []
    const hasUndos = seed % 2 === 0
    for (let turn = 0; turn < 14; turn++) {
      const here = paths.flatMap(path => world.refsIn(path))
      const ids = here.filter(() => random() < 0.5)
      const some = ids.length > 0 ? ids : here.slice(0, 1)
      const words = ['seen', 'flagged', 'urgent', 'later']
      const flags: Wanted = { kind: 'flags', ids: some, add: [pick(words)], remove: [pick(words)] }
      const to = { folder: pick(paths) }
      const wanted = pick<Wanted>([flags, { kind: 'move', ids: some, to }, { kind: 'copy', ids: some.slice(0, 2), to }])
      if (wanted.kind === 'flags' && wanted.add?.[0] === wanted.remove?.[0]) continue
      if (hasUndos && done.length > 0 && random() < 0.25) {
        const report = await world.undoOne(pick(done)).catch(() => undefined)
        if (report) await world.done(report)
        continue
      }
      // Some run concurrently, so that they wait for each other.
      const { id } = await world.accept(wanted)
      if (random() < 0.7) await world.settled(id)
      done.push(id)
    }
    for (const id of done) await world.settled(id)
    const shown = await world.undoAll(operator, true)
    const conflicts = shown.undone.filter(({ conflict, impossible }) => conflict + impossible > 0)
    if (!hasUndos) expect([seed, conflicts]).toEqual([seed, []])
    await world.done(await world.undoAll(operator))
    const after = world.folders()
    // A copy of a copy is kept once an undo has removed its original. Nothing else differs.
    for (const path of conflicts.length > 0 ? Object.keys(before) : []) {
      after[path] = after[path]!.filter(
        (line, index, all) => all.indexOf(line) === index && before[path]!.includes(line),
      )
    }
    expect([seed, after]).toEqual([seed, before])
  }
})

/** A deterministic generator of random numbers (mulberry32). */
function generator(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Flags, moves, copies and deletions: what is accepted, the outcome for each message, and what is refused. */
import { expect, test } from 'vitest'
import { agent, operator, principalOf, signal, startOperations } from '../../test/support/operation-world.ts'
import { Problem } from '../platform/problem.ts'

const problem = (code: string) => expect.objectContaining({ code })

async function filled(...subjects: string[]) {
  const world = await startOperations()
  for (const [index, subject] of subjects.entries())
    world.gateway.deliver({ subject, messageId: `<${index}@test.local>` })
  return world
}

test('flags are set and removed, and what was so already is not recorded as changed', async () => {
  const world = await filled('one', 'two')
  const [two = '', one = ''] = world.refsIn('INBOX')
  const first = await world.run({ kind: 'flags', ids: [one], add: ['seen'] })
  expect(first).toMatchObject({ state: 'done', counts: { total: 1, done: 1 }, add: ['seen'], kind: 'flags' })
  const both = await world.run({ kind: 'flags', ids: [one, two], add: ['seen', 'urgent'], remove: ['flagged'] })
  expect(both.results.map(({ state }) => state)).toEqual(['done', 'done'])
  expect(world.in('INBOX')).toEqual(['one seen urgent', 'two seen urgent'])
  const changed = (await world.store.items(both.id)).map(item => JSON.parse(item.changed!))
  expect(changed).toEqual([
    { add: ['urgent'], remove: [] },
    { add: ['\\Seen', 'urgent'], remove: [] },
  ])
  expect(world.noticed).toEqual(['a INBOX', 'a INBOX'])
  expect(world.facts.map(({ state }) => state)).toEqual(['pending', 'done', 'pending', 'done'])
})

test('moves go to a path or a role, and say where the messages are now', async () => {
  const world = await filled('one', 'two')
  const [two = '', one = ''] = world.refsIn('INBOX')
  const moved = await world.run({ kind: 'move', ids: [two], to: { role: 'archive' } })
  expect(moved).toMatchObject({ state: 'done', to: 'Archive', results: [{ state: 'done', folder: 'INBOX' }] })
  expect(moved.results[0]!.new_ref).toBe(world.refsIn('Archive')[0])
  const copied = await world.run({ kind: 'copy', ids: [one], to: { folder: 'Junk' } })
  expect(copied.results[0]!.new_ref).toBe(world.refsIn('Junk')[0])
  expect([world.in('INBOX'), world.in('Archive'), world.in('Junk')]).toEqual([['one'], ['two'], ['one']])
})

test('a message that an earlier operation moved is found where it is now', async () => {
  const world = await filled('one')
  const ids = world.refsIn('INBOX')
  const operations = [
    await world.accept({ kind: 'move', ids, to: { role: 'archive' } }),
    await world.accept({ kind: 'flags', ids, add: ['flagged'] }),
    await world.accept({ kind: 'move', ids, to: { role: 'trash' } }),
    await world.accept({ kind: 'delete', ids }),
  ]
  await world.allSettled(operations.slice(0, 3))
  const { state } = await world.settled(operations[3]!.id)
  expect(state).toBe('done')
  for (const path of ['INBOX', 'Archive', 'Trash']) expect(world.in(path)).toEqual([])
})

test('each message has its own result, and those that cannot be found hold up no other', async () => {
  const world = await filled('one', 'two')
  const [two = '', one = ''] = world.refsIn('INBOX')
  world.gateway.getFolder('INBOX').messages.splice(1, 1)
  const ids = [one, two, 'AAAAAAAAAAAAAAAAAAAA', `${one.slice(0, -4)}AAAA`]
  const { state, counts, results } = await world.run({ kind: 'flags', ids, add: ['seen'] })
  expect([state, counts]).toEqual(['partial', { total: 4, waiting: 0, done: 1, failed: 2, gone: 1, unknown: 0 }])
  expect(results.map(result => [result.state, result.code])).toEqual([
    ['done', null],
    ['gone', 'message_not_found'],
    ['failed', 'message_not_found'],
    ['failed', 'message_not_found'],
  ])
  world.gateway.getFolder('INBOX').uidValidity++
  const stale = await world.run({ kind: 'flags', ids: [one], remove: ['seen'] })
  expect(stale).toMatchObject({ state: 'failed', results: [{ code: 'stale_ref' }] })
  expect(world.in('INBOX')).toEqual(['one seen'])
})

test('an account without a folder of the role says which is missing, and one that is disabled takes nothing in', async () => {
  const world = await filled('one')
  const ids = world.refsIn('INBOX')
  world.gateway.folders.delete('Archive')
  const move = (to: object) => world.accept({ kind: 'move', ids, to: to as { role: 'archive' } })
  await expect(move({ role: 'archive' })).rejects.toThrow('no folder with the role archive')
  await expect(move({ folder: 'Nowhere' })).rejects.toThrow('"Nowhere"')
  world.disabled.add('a')
  await expect(move({ role: 'trash' })).rejects.toEqual(problem('account_disabled'))
  expect((await world.service.list(operator, { limit: 10 })).items).toEqual([])
})

test('a folder that was created since the index looked is found on the mail server', async () => {
  const world = await filled('one')
  await world.knowFolders()
  world.gateway.delay = step => {
    if (step === 'listFolders') throw new Error('the mail server is not asked for what the index knows')
  }
  const ids = world.refsIn('INBOX')
  expect((await world.run({ kind: 'copy', ids, to: { role: 'archive' } })).state).toBe('done')
  world.gateway.delay = () => undefined
  world.gateway.addFolder('New')
  expect((await world.run({ kind: 'move', ids, to: { folder: 'New' } })).state).toBe('done')
  expect(world.in('New')).toEqual(['one'])
})

test('while too many operations wait, no more are taken in', async () => {
  const world = await startOperations({ bounds: { pendingOperations: 2 } })
  world.gateway.deliver({ subject: 'one' })
  await world.stop()
  const wanted = { kind: 'flags', ids: world.refsIn('INBOX'), add: ['seen'] } as const
  const operations = [await world.accept(wanted), await world.accept(wanted)]
  await expect(world.accept(wanted)).rejects.toEqual(problem('too_many_operations'))
  await world.restart()
  await world.allSettled(operations)
  expect((await world.run(wanted)).state).toBe('done')
})

test('while operations with too many messages wait, no more are taken in', async () => {
  const world = await startOperations({ bounds: { pendingMessages: 2 } })
  for (const subject of ['one', 'two', 'three']) world.gateway.deliver({ subject })
  await world.stop()
  const flag = (ids: string[]) => world.accept({ kind: 'flags', ids, add: ['seen'] })
  const ids = world.refsIn('INBOX')
  await expect(flag(ids)).rejects.toEqual(problem('too_many_operations'))
  // Lists showed the change already while it was being stored.
  expect(world.expected.of('a').batches()).toEqual([])
  await flag(ids.slice(0, 2))
  await expect(flag(ids.slice(2))).rejects.toEqual(problem('too_many_operations'))
})

test('a call that is repeated under its key is answered with the same operation, and counted once; another one under it is refused', async () => {
  const world = await filled('one')
  const ids = world.refsIn('INBOX')
  const wanted = { kind: 'copy', ids, to: { role: 'archive' } } as const
  const calls = await Promise.all([1, 2, 3].map(() => world.accept(wanted, agent, 'key')))
  expect(new Set(calls.map(({ id }) => id)).size).toBe(1)
  await world.settled(calls[0]!.id)
  expect(world.in('Archive')).toEqual(['one'])
  expect((await world.accept(wanted, agent, 'key')).state).toBe('done')
  await expect(world.accept({ ...wanted, to: { role: 'junk' } }, agent, 'key')).rejects.toEqual(
    problem('idempotency_key_reused'),
  )
  await expect(world.accept(wanted, agent, 'no key\n')).rejects.toEqual(problem('bad_request'))
  // The same key of another caller is a different key.
  const { id } = await world.accept(wanted, principalOf('token-other'), 'key')
  expect(id).not.toBe(calls[0]!.id)
  await world.settled(id)
  expect(world.in('Archive')).toEqual(['one', 'one'])
  // Repeated calls count once.
  expect(world.taken).toEqual([
    [agent.id, 1],
    ['token-other', 1],
  ])
})

test('a token is named by its id, with and without the prefix of its principal', async () => {
  const world = await filled('one')
  const token = principalOf('token-0a3044b06f03278a')
  const { id } = await world.run({ kind: 'flags', ids: world.refsIn('INBOX'), add: ['seen'] }, token)
  for (const principal of ['0a3044b06f03278a', 'token-0a3044b06f03278a']) {
    expect((await world.service.list(operator, { limit: 10, principal })).items).toMatchObject([{ id }])
    const asked = { principal, since: '2020-01-01T00:00:00.000Z', dry_run: true }
    expect((await world.undo.undoSince(token, asked, { signal })).undone).toMatchObject([{ operation: { id } }])
  }
})

test('a caller sees its own operations in its own accounts; a person with the right those of all', async () => {
  const world = await filled('one')
  const ids = world.refsIn('INBOX')
  const own = await world.run({ kind: 'flags', ids, add: ['seen'] })
  const other = principalOf('token-other')
  const others = await world.run({ kind: 'flags', ids, remove: ['seen'] }, other)
  const list = async (principal = agent, query = {}) =>
    (await world.service.list(principal, { limit: 10, ...query })).items.map(({ id }) => id)
  expect(await list()).toEqual([own.id])
  expect(await list(agent, { principal: other.id })).toEqual([])
  expect(await list(operator)).toEqual([others.id, own.id])
  expect(await list(operator, { principal: agent.id, state: 'done' })).toEqual([own.id])
  const page = await world.service.list(operator, { limit: 1 })
  expect(page).toMatchObject({ items: [{ id: others.id }], next_cursor: others.id })
  expect(await list(operator, { cursor: page.next_cursor })).toEqual([own.id])
  const narrowed = principalOf(agent.id, { accounts: new Set(['b']) })
  expect(await list(narrowed)).toEqual([])
  await expect(list(narrowed, { account_id: 'a' })).rejects.toEqual(problem('account_not_found'))
  for (const principal of [narrowed, other]) {
    await expect(world.service.get(principal, own.id)).rejects.toEqual(problem('operation_not_found'))
  }
  const viewer = principalOf('session-2', { kind: 'session', userId: 'bob', scopes: new Set(['mail:meta']) })
  expect(await list(viewer)).toEqual([])
})

test('a refusal of the mail server fails its messages with its words; a connection that is lost is tried again', async () => {
  const world = await filled('one')
  const ids = world.refsIn('INBOX')
  const words = { part: 'imap', server_response: 'NO [OVERQUOTA] full' } as const
  world.gateway.delay = step => {
    if (step === 'copy') throw new Problem('mail_server_refused', 'The mail server refused.', words)
  }
  const refused = await world.run({ kind: 'copy', ids, to: { role: 'archive' } })
  expect(refused).toMatchObject({ state: 'failed', results: [{ code: 'mail_server_refused' }] })
  expect(refused.results[0]!.why).toContain('OVERQUOTA')
  let failures = 3
  world.gateway.delay = step => {
    if (step !== 'copy' || failures-- <= 0) return
    throw new Problem('mail_server_unreachable', 'The connection was lost.', { fault: 'closed' })
  }
  expect(await world.run({ kind: 'copy', ids, to: { role: 'archive' } })).toMatchObject({
    state: 'done',
    waits_because: null,
  })
  expect(failures).toBe(-1)
  expect(world.in('Archive')).toEqual(['one'])
})

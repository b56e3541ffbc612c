/** Operations on folders: create, rename, delete and subscribe exactly once; forbidden changes are refused; undo. */
import { expect, test } from 'vitest'
import type { Folder } from '../../contract/mail.ts'
import { agent, operator, principalOf, signal, startOperations } from '../../test/support/operation-world.ts'
import { Problem } from '../platform/problem.ts'
import { checkNewPath, pathForRole } from './folder-kinds.ts'
import type { WantedOfFolder } from './folder-service.ts'
import type { RequestedChange } from './operation-control.ts'

type World = Awaited<ReturnType<typeof startOperations>>
const problem = (code: string) => expect.objectContaining({ code })
const lost = () => new Problem('mail_server_unreachable', 'The connection was lost.', { fault: 'closed' })

const accept = (world: World, wanted: WantedOfFolder, principal = agent, key?: string) =>
  world.folders.accept(principal, 'a', wanted, signal, key)
const run = async (world: World, wanted: WantedOfFolder) => world.settled((await accept(world, wanted)).id)
const paths = ({ gateway }: World) => [...gateway.folders.keys()].toSorted()
const undoAll = async (world: World, id: string) => {
  const { undone } = await world.undo.undoOne(agent, id, false, { signal })
  await world.allSettled(undone.map(({ undo }) => undo))
}

test('folders are created, renamed with what is in them, subscribed to and deleted, and undone', async () => {
  const world = await startOperations()
  const before = paths(world)
  const created = await run(world, { kind: 'create_folder', folder: 'Työ/2026 & 2027' })
  expect(created).toMatchObject({ state: 'done', kind: 'create_folder', folder: 'Työ/2026 & 2027', to: null })
  expect(created.results).toMatchObject([{ folder: 'Työ/2026 & 2027', state: 'done', id: null, ref: null }])
  await run(world, { kind: 'create_folder', folder: 'Työ' })
  const renamed = await run(world, { kind: 'rename_folder', folder: 'Työ', to: 'Work' })
  expect(renamed).toMatchObject({ state: 'done', folder: 'Työ', to: 'Work' })
  expect(paths(world)).toEqual([...before, 'Work', 'Work/2026 & 2027'].toSorted())
  const unsubscribed = await run(world, { kind: 'unsubscribe_folder', folder: 'Work' })
  expect(world.gateway.getFolder('Work').isSubscribed).toBe(false)
  await undoAll(world, unsubscribed.id)
  expect(world.gateway.getFolder('Work').isSubscribed).toBe(true)
  await undoAll(world, renamed.id)
  expect(paths(world)).toContain('Työ/2026 & 2027')
  await undoAll(world, created.id)
  expect(paths(world)).toEqual([...before, 'Työ'].toSorted())
  const deleted = await run(world, { kind: 'delete_folder', folder: 'Työ', isEmptied: false })
  expect([deleted.state, paths(world)]).toEqual(['done', before])
  await expect(world.undo.undoOne(agent, deleted.id, false, { signal })).rejects.toEqual(problem('cannot_undo'))
  expect(world.noticed).toContain('a *')
})

test('what a lost answer was about is looked at, and nothing is done twice', async () => {
  const world = await startOperations()
  const commands: string[] = []
  const lose = (command: string) => {
    commands.length = 0
    world.gateway.delay = step => {
      if (step === command) commands.push(step)
      if (step === `${command} answered` && commands.length === 1) throw lost()
    }
  }
  lose('createFolder')
  expect((await run(world, { kind: 'create_folder', folder: 'One' })).state).toBe('done')
  expect(commands).toHaveLength(1)
  lose('renameFolder')
  expect((await run(world, { kind: 'rename_folder', folder: 'One', to: 'Two' })).state).toBe('done')
  expect(commands).toHaveLength(1)
  lose('deleteFolder')
  expect((await run(world, { kind: 'delete_folder', folder: 'Two', isEmptied: false })).state).toBe('done')
  expect([commands, paths(world).includes('Two')]).toEqual([['deleteFolder'], false])
})

test('a folder that holds something is deleted only where that is asked for with the right to it', async () => {
  const world = await startOperations()
  world.gateway.addFolder('Full/Inner')
  world.gateway.addFolder('Full')
  world.gateway.deliver({ subject: 'one' }, 'Full')
  const remove = (isEmptied: boolean, principal = agent) =>
    accept(world, { kind: 'delete_folder', folder: 'Full', isEmptied }, principal)
  await expect(remove(false)).rejects.toThrow('holds other folders')
  world.gateway.folders.delete('Full/Inner')
  const kept = await world.settled((await remove(false)).id)
  expect(kept).toMatchObject({ state: 'failed', results: [{ code: 'folder_not_empty' }] })
  expect(kept.results[0]!.why).toContain('1 messages')
  const organizer = principalOf('token-organizer', { scopes: new Set(['mail:organize']) })
  await expect(remove(true, organizer)).rejects.toMatchObject({
    code: 'forbidden',
    extension: { missing_scope: 'mail:delete' },
  })
  expect((await world.settled((await remove(true)).id)).state).toBe('done')
  // A created folder that holds mail by now is kept.
  const created = await run(world, { kind: 'create_folder', folder: 'Full' })
  world.gateway.deliver({ subject: 'two' }, 'Full')
  const { changes } = await world.undo.undoOne(agent, created.id, true, { signal })
  expect(changes).toMatchObject([
    { action: 'none', outcome: 'conflict', folder: 'Full', why: 'It holds 1 messages by now.' },
  ])
})

test('the inbox and folders with a role stay, and of two with one name there is none', async () => {
  const world = await startOperations()
  for (const folder of ['INBOX', 'Archive']) {
    await expect(accept(world, { kind: 'rename_folder', folder, to: 'New' })).rejects.toEqual(
      problem('folder_protected'),
    )
    await expect(accept(world, { kind: 'delete_folder', folder, isEmptied: true })).rejects.toEqual(
      problem('folder_protected'),
    )
    await expect(accept(world, { kind: 'create_folder', folder })).rejects.toEqual(problem('folder_exists'))
  }
  await expect(accept(world, { kind: 'delete_folder', folder: 'None', isEmptied: false })).rejects.toEqual(
    problem('folder_not_found'),
  )
  world.gateway.addFolder('One')
  await expect(accept(world, { kind: 'rename_folder', folder: 'One', to: 'Junk' })).rejects.toEqual(
    problem('folder_exists'),
  )
  await expect(accept(world, { kind: 'rename_folder', folder: 'One', to: 'One/Two' })).rejects.toThrow(
    'in the folder itself',
  )
  const other = principalOf('token-other', { accounts: new Set(['b']) })
  await expect(accept(world, { kind: 'create_folder', folder: 'Two' }, other)).rejects.toEqual(
    problem('account_not_found'),
  )
  expect((await world.service.list(operator, { limit: 10 })).items).toEqual([])
})

test('a call under its key is done once, also when it comes again after it was done', async () => {
  const world = await startOperations()
  const wanted = { kind: 'create_folder', folder: 'One' } as const
  const first = await accept(world, wanted, agent, 'key')
  await world.settled(first.id)
  expect((await accept(world, wanted, agent, 'key')).id).toBe(first.id)
  await expect(accept(world, { ...wanted, folder: 'Two' }, agent, 'key')).rejects.toEqual(
    problem('idempotency_key_reused'),
  )
})

test('what was to be done in a folder that is renamed meanwhile is done there, and undone to there', async () => {
  const world = await startOperations()
  world.gateway.addFolder('One')
  world.gateway.deliver({ subject: 'mail', messageId: '<1@x>' })
  const moved = await world.run({ kind: 'move', ids: world.refsIn('INBOX'), to: { folder: 'One' } })
  await world.stop()
  const renaming = await accept(world, { kind: 'rename_folder', folder: 'One', to: 'Two' })
  const flagged = await world.accept({ kind: 'flags', ids: world.refsIn('One'), add: ['seen'] })
  await world.restart()
  await world.allSettled([renaming, flagged])
  expect(world.in('Two')).toEqual(['mail seen'])
  await undoAll(world, moved.id)
  expect([world.in('INBOX'), world.in('Two')]).toEqual([['mail seen'], []])
})

test('a folder for a role is created where there is none, before the messages are moved there', async () => {
  const world = await startOperations()
  world.gateway.folders.delete('Archive')
  world.gateway.deliver({ subject: 'one' })
  const ids = world.refsIn('INBOX')
  const move = (create?: boolean) =>
    world.accept({ kind: 'move', ids, to: { role: 'archive', ...(create && { create }) } })
  await expect(move()).rejects.toThrow('create: true')
  const moved = await world.settled((await move(true)).id)
  expect(moved).toMatchObject({ state: 'done', to: 'Archive' })
  expect([world.gateway.getFolder('Archive').role, world.in('Archive')]).toEqual(['archive', ['one']])
  const { items } = await world.service.list(agent, { limit: 10 })
  expect(items.map(({ kind }) => kind)).toEqual(['move', 'create_folder'])
  const since = '2020-01-01T00:00:00.000Z'
  const { undone } = await world.undo.undoSince(agent, { principal: agent.id, since, dry_run: false }, { signal })
  await world.allSettled(undone.map(({ undo }) => undo))
  expect(undone.map(({ conflict, will_change }) => [conflict, will_change])).toEqual([
    [0, 1],
    [0, 1],
  ])
  expect([world.in('INBOX'), world.gateway.folders.has('Archive')]).toEqual([['one'], false])
})

const own = (path: string, more: Partial<Folder> = {}): Folder => ({
  ...{ path, name: path, namespace: 'personal', delimiter: '.', role: null, selectable: true, subscribed: true },
  ...{ total: null, unread: null },
  ...more,
})

test('names that are none, or of others, are refused with what is wrong; all others are taken', () => {
  const folders = [own('INBOX'), own('INBOX.Sent'), own('od\u202ed'), own('shared.team', { namespace: 'shared' })]
  const wrong = [
    ...[
      '',
      ' ',
      'a..b',
      '.a',
      'a.',
      'a. .b',
      ' a',
      'a ',
      'a*',
      '%',
      'inbox',
      'Inbox.a',
      'INBOX',
      'shared',
      'shared.new',
    ],
    ...[
      'a\u0000b',
      'a\r\nb',
      'a\u0007',
      'a\u0085b',
      'a\ud800',
      'a\u2028b',
      'a\u202eb',
      'a\u2066b',
      'od\u202ed.new\u202e',
      '../a',
      'a/../b',
      '..',
      'a\\..\\b',
      'x'.repeat(256),
    ],
    Array.from({ length: 21 }, () => 'a').join('.'),
  ]
  for (const path of wrong) expect(() => checkNewPath(path, folders), JSON.stringify(path)).toThrow(Problem)
  for (const path of [
    'a',
    'INBOX.a',
    'Entwürfe & mehr',
    '日本語',
    'a/b',
    "it's",
    '"q"',
    '&AOk-',
    '~root',
    'NIL',
    '😀',
    'a b',
    'ordre \u200fחשבונית',
    'od\u202ed.new',
  ])
    expect(() => checkNewPath(path, folders), path).not.toThrow()
})

test('a folder for a role is beside the others', () => {
  expect(pathForRole('archive', [own('INBOX'), own('INBOX.Sent')])).toBe('INBOX.Archive')
  expect(pathForRole('junk', [own('INBOX'), own('INBOX.Sent'), own('Work')])).toBe('Junk')
  expect(pathForRole('trash', [own('INBOX')])).toBe('Trash')
})

test('rules of programs hear of all folders that a new name takes along, and of all messages that a deletion does', async () => {
  const asked: RequestedChange[] = []
  const world = await startOperations({
    mayChange: async (_principal, _account, change) => {
      asked.push(change)
      return undefined
    },
  })
  await run(world, { kind: 'create_folder', folder: 'Work' })
  // The index does not know the folder yet.
  await world.knowFolders()
  for (const folder of ['Work/2026', 'Work/2026/May', 'Works']) await run(world, { kind: 'create_folder', folder })
  for (const subject of ['one', 'two', 'three']) world.gateway.deliver({ subject }, 'Works')
  const renamed = await run(world, { kind: 'rename_folder', folder: 'Work', to: 'Job' })
  const inside = ['Work/2026', 'Work/2026/May']
  expect(asked.at(-1)).toMatchObject({ kind: 'rename_folder', folder: { path: 'Work', to: 'Job', inside } })
  await undoAll(world, renamed.id)
  const back = ['Job/2026', 'Job/2026/May']
  expect(asked.at(-1)).toMatchObject({ kind: 'rename_folder', folder: { path: 'Job', to: 'Work', inside: back } })
  await run(world, { kind: 'delete_folder', folder: 'Works', isEmptied: true })
  expect(asked.at(-1)).toMatchObject({ kind: 'delete_folder', folder: { path: 'Works', isEmptied: true, messages: 3 } })
})

test('what follows a change of a folder in the lists of mail programs is done also where the answer to the change was lost', async () => {
  const world = await startOperations()
  const told: string[] = []
  const lose = (command: string) => {
    let isFirst = true
    world.gateway.delay = step => {
      if (step === 'setSubscribed') told.push(`${command} ${step}`)
      if (step !== `${command} answered` || !isFirst) return
      isFirst = false
      throw lost()
    }
  }
  lose('createFolder')
  expect((await run(world, { kind: 'create_folder', folder: 'One' })).state).toBe('done')
  lose('renameFolder')
  expect((await run(world, { kind: 'rename_folder', folder: 'One', to: 'Two' })).state).toBe('done')
  lose('deleteFolder')
  expect((await run(world, { kind: 'delete_folder', folder: 'Two', isEmptied: false })).state).toBe('done')
  const [create, rename, remove] = ['createFolder', 'renameFolder', 'deleteFolder'].map(each => `${each} setSubscribed`)
  expect(told).toEqual([create, rename, rename, remove])
})

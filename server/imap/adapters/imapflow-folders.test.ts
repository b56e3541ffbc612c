/** Folders of servers that list and name them in ways of their own. */

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type CourierLike, startCourierLike } from '../../../test/support/courier-like.ts'
import { type Dovecot, startDovecot } from '../../../test/support/dovecot.ts'
import { termOf } from '../../../test/support/found-messages.ts'
import { patience } from '../../../test/support/patience.ts'
import { available } from '../../../test/support/require.ts'
import { startRelay } from '../../../test/support/tcp-relay.ts'
import type { FolderCount, MailConnection } from '../mail-gateway.ts'
import { ImapFlowGateway } from './imapflow-gateway.ts'

const ends: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

async function connect(port: number, { user, password } = { user: 'a', password: 'b' }): Promise<MailConnection> {
  const { signal } = new AbortController()
  const login = { host: '127.0.0.1', port, tls: 'none', user, password } as const
  const connection = await new ImapFlowGateway({ version: '1.2.3' }).connect(login, { timeoutMs: patience, signal })
  ends.push(() => connection.close())
  return connection
}

async function courier(): Promise<{ server: CourierLike; connection: MailConnection }> {
  const server = await startCourierLike()
  ends.push(() => server.stop())
  return { server, connection: await connect(server.port) }
}

describe('on a server such as Courier', () => {
  test('the list comes without a single question for counts, and says that they are not known', async () => {
    const { server, connection } = await courier()
    for (let number = 0; number < 700; number++) server.folders.set(`INBOX.f${number}`, number)
    const folders = await connection.listFolders(true)
    expect(folders).toHaveLength(701)
    expect(new Set(folders.map(({ total }) => total))).toEqual(new Set([null]))
    expect(server.heard.filter(line => line.includes('STATUS'))).toEqual([])
  })

  test('a folder with a name that no command can say is left out, and no other one', async () => {
    const { server, connection } = await courier()
    // NUL, and CR with LF.
    for (const name of ['&AAA-', 'a&AA0ACg-b', 'plain']) server.folders.set(`INBOX.${name}`, 1)
    expect((await connection.listFolders(false)).map(({ path }) => path)).toEqual(['INBOX', 'INBOX.plain'])
    const standings = await connection.changes.listStandings(1_000)
    expect(standings.map(({ path }) => path)).toEqual(['INBOX', 'INBOX.plain'])
  })

  test('folders are counted several questions ahead of the answers, and each count comes as it is known', async () => {
    const { server, connection } = await courier()
    const paths = Array.from({ length: 200 }, (_, number) => `INBOX.f${number}`)
    for (const [number, path] of paths.entries()) server.folders.set(path, number)
    const counts = new Map<string, FolderCount>()
    await connection.countFolders(paths, 60_000, (path, count) => counts.set(path, count))
    expect([...counts.keys()]).toEqual(paths)
    expect([...counts.values()].map(({ total }) => total)).toEqual(paths.map((_, number) => number))
    expect(await connection.listFolders(false)).toHaveLength(201)
  })

  test('a thousand folders are counted in one go, and their answers are no flood', async () => {
    const { server, connection } = await courier()
    const paths = Array.from({ length: 1_000 }, (_, number) => `INBOX.f${number}`)
    for (const path of paths) server.folders.set(path, 1)
    const counts: (number | null)[] = []
    await connection.countFolders(paths, 60_000, (_path, { total }) => counts.push(total))
    expect(counts).toEqual(paths.map(() => 1))
  })

  test('questions are sent without waiting for the answers to those before', async () => {
    const { server, connection } = await courier()
    const paths = Array.from({ length: 60 }, (_, number) => `INBOX.f${number}`)
    for (const path of paths) server.folders.set(path, 1)
    const isAhead = Promise.withResolvers<void>()
    const asked = () => server.heard.filter(line => line.includes('STATUS')).length
    server.onHeard = () => asked() >= 15 && isAhead.resolve()
    let answers = 0
    server.beforeStatus = async () => {
      // Windows of one, two and four come before; this answer is held back until the seven questions behind it are there.
      if (++answers === 8) await isAhead.promise
    }
    const counts: string[] = []
    await connection.countFolders(paths, 60_000, path => counts.push(path))
    expect(counts).toEqual(paths)
  })

  test('a folder that the server does not count has no numbers, and costs the others nothing', async () => {
    const { server, connection } = await courier()
    server.folders.set('INBOX.a', 1).set('INBOX.b', 2).set('INBOX.c', 3)
    const counts = new Map<string, number | null>()
    const paths = ['INBOX.gone', 'INBOX.a', 'INBOX.b', 'INBOX.c', 'INBOX.gone too']
    await connection.countFolders(paths, 60_000, (path, { total }) => counts.set(path, total))
    expect(Object.fromEntries(counts)).toEqual({
      'INBOX.gone': null,
      'INBOX.a': 1,
      'INBOX.b': 2,
      'INBOX.c': 3,
      'INBOX.gone too': null,
    })
    expect(await connection.listFolders(false)).toHaveLength(4)
  })

  test('a connection that breaks while folders are counted does not mean that they have no counts', async () => {
    const { server } = await courier()
    server.folders.set('INBOX.a', 1)
    const relay = await startRelay(server.port, {
      toServer: data => {
        if (data.includes(' STATUS ')) relay.cutClients()
        return data
      },
    })
    ends.push(() => relay.stop())
    const connection = await connect(relay.port)
    const counted: string[] = []
    const counting = connection.countFolders(['INBOX.a'], 60_000, path => counted.push(path))
    await expect(counting).rejects.toMatchObject({ code: 'mail_server_unreachable' })
    expect(counted).toEqual([])
  })

  test('shared folders are listed and opened beside those with the personal prefix', async () => {
    const { server, connection } = await courier()
    server.folders.set('INBOX.Sent', 3).set('shared.team.Sent', 4).set('shared.team', undefined)
    const folders = await connection.listFolders(false)
    const told = folders.map(({ path, name, namespace, role }) => [path, name, namespace, role])
    expect(told.toSorted()).toEqual([
      ['INBOX', 'INBOX', 'personal', 'inbox'],
      ['INBOX.Sent', 'Sent', 'personal', 'sent'],
      ['shared.team', 'team', 'shared', null],
      ['shared.team.Sent', 'Sent', 'shared', null],
    ])
    expect(await connection.listMessages('shared.team.Sent', 1, undefined)).toMatchObject({ total: 4 })
  })

  test('a refusal to list shared folders affects no others, and a connection that breaks is told', async () => {
    const { server } = await courier()
    server.folders.set('INBOX.Sent', 3).set('shared.team', 4)
    const toServer = (data: string) => data.replace(/(?<=^\w+ )LIST(?= "" "?#?shared)/m, 'NONSENSE')
    const relay = await startRelay(server.port, { toServer })
    ends.push(() => relay.stop())
    const paths = (await (await connect(relay.port)).listFolders(false)).map(({ path }) => path)
    expect(paths).toEqual(['INBOX', 'INBOX.Sent'])
    let isCut = false
    const broken = await startRelay(server.port, {
      toServer: data => {
        if (/ LIST "" "?#?shared/.test(data) && !isCut) {
          isCut = true
          broken.cutClients()
        }
        return data
      },
    })
    ends.push(() => broken.stop())
    const connection = await connect(broken.port)
    await expect(connection.listFolders(false)).rejects.toMatchObject({ code: 'mail_server_unreachable' })
    expect(isCut).toBe(true)
  })

  test('a folder of which only others in it are subscribed to can be opened', async () => {
    const { server, connection } = await courier()
    server.folders.set('INBOX.a', 3).set('INBOX.a.b', 2).set('INBOX.c', undefined).set('INBOX.c.d', 1)
    server.subscribed = new Set(['INBOX.a.b', 'INBOX.c.d'])
    const folders = await connection.listFolders(false)
    const told = folders.map(({ path, selectable, subscribed }) => [path, selectable, subscribed])
    expect(told.toSorted()).toEqual([
      // Which is always shown.
      ['INBOX', true, true],
      ['INBOX.a', true, false],
      ['INBOX.a.b', true, true],
      ['INBOX.c', false, false],
      ['INBOX.c.d', true, true],
    ])
    const standings = await connection.changes.listStandings(1_000)
    expect(standings.filter(({ isSelectable }) => !isSelectable).map(({ path }) => path)).toEqual(['INBOX.c'])
  })

  test('a folder is opened by its whole path, and by its name without the personal prefix', async () => {
    const { server, connection } = await courier()
    server.folders.set('INBOX.Sent', 3)
    for (const path of ['INBOX.Sent', 'Sent']) {
      expect(await connection.listMessages(path, 1, undefined)).toMatchObject({ total: 3 })
    }
    await expect(connection.listMessages('Nope', 1, undefined)).rejects.toMatchObject({ code: 'folder_not_found' })
  })

  const names = [
    '~tilde',
    'a b',
    ' lead',
    'trail ',
    'x%',
    'x*',
    'a]b',
    'a"b',
    'a\\b',
    'a&b',
    '&',
    '{3}',
    '(p)',
    '+',
    'NIL',
  ]
  test.each(
    [...names, 'é', '日本', 'a.b..c', '#hash', '\\Noselect', 'x'.repeat(1_000)].map(name => [name.slice(0, 9), name]),
  )('a folder with the name %j is opened and counted', async (_label, name) => {
    const { server, connection } = await courier()
    const encoded: Record<string, string> = { 'a&b': 'a&-b', '&': '&-', é: '&AOk-', 日本: '&ZeVnLA-' }
    server.folders.set(`INBOX.${encoded[name] ?? name}`, 7)
    const path = `INBOX.${name}`
    expect(await connection.listMessages(path, 1, undefined)).toMatchObject({ total: 7 })
    const counts: (number | null)[] = []
    await connection.countFolders([path], 60_000, (_path, { total }) => counts.push(total))
    expect(counts).toEqual([7])
  })

  test('INBOX is INBOX in any case', async () => {
    const { connection } = await courier()
    for (const path of ['INBOX', 'inbox', 'iNbOx']) {
      expect(await connection.listMessages(path, 1, undefined)).toMatchObject({ total: 0 })
    }
  })

  test('a folder that only looks like INBOX, with a dotless i, is never the inbox: it is left out', async () => {
    const { server, connection } = await courier()
    server.folders.set('INBOX', 2).set('&ATE-nbox', 7)
    expect(await connection.listFolders(false)).toMatchObject([{ path: 'INBOX', role: 'inbox', selectable: true }])
    expect((await connection.changes.listStandings(60_000)).map(({ path }) => path)).toEqual(['INBOX'])
    expect(await connection.listMessages('inbox', 1, undefined)).toMatchObject({ total: 2 })
    for (const path of ['ınbox', 'ıNBOX']) {
      const code = 'folder_not_found'
      await expect(connection.listMessages(path, 1, undefined)).rejects.toMatchObject({ code })
    }
  })

  test('a search of two words is taken', async () => {
    const { connection } = await courier()
    expect(await connection.search('INBOX', termOf('annual report from:anna from:smith'), 5)).toMatchObject({
      total: 0,
    })
  })

  test('a folder that was never opened for writing has one UIDVALIDITY all the same', async () => {
    const { server, connection } = await courier()
    const validities = new Set<number>()
    for (const each of [connection, await connect(server.port), connection]) {
      validities.add((await each.listMessages('INBOX', 1, undefined)).uidValidity)
    }
    validities.add((await (await connect(server.port)).watch('INBOX', () => undefined)).uidValidity)
    expect(validities.size).toBe(1)
    expect(server.heard.filter(line => /STORE|EXPUNGE|CLOSE/.test(line))).toEqual([])
  })

  test('a folder that only holds others is told apart from one that is not there', async () => {
    const { server, connection } = await courier()
    server.folders.set('INBOX.par', undefined).set('INBOX.par.child', 1)
    await expect(connection.listMessages('INBOX.par', 1, undefined)).rejects.toMatchObject({
      code: 'folder_not_selectable',
    })
    await expect(connection.listMessages('INBOX.par.no', 1, undefined)).rejects.toMatchObject({
      code: 'folder_not_found',
    })
  })
})

describe.skipIf(!available('dovecot')).each([
  ['without a personal prefix', ''],
  ['with the personal prefix INBOX.', 'INBOX.'],
])('on Dovecot %s, with a public namespace', (_name, prefix) => {
  let dovecot: Dovecot
  beforeAll(async () => {
    dovecot = await startDovecot({ personalPrefix: prefix, publicPrefix: 'Public.', separator: '.' })
    const { user } = dovecot.users[0]!
    const imap = await dovecot.login(user)
    for (const name of [`${prefix}Ä & Co.~sub`, 'Public.Team.Plans']) await imap.run(`CREATE "${encoded(name)}"`)
    imap.close()
    await dovecot.appendMessage(user, 'Subject: plan\n\nshared\n', 'Public.Team.Plans', [
      '\\Deleted',
      '$Work',
      '\\Seen',
    ])
  })
  afterAll(() => dovecot?.stop())
  const encoded = (name: string) => name.replace('Ä & Co', '&AMQ- &- Co')

  test('the folder that is open is counted as it is now, also where another program changed only flags', async () => {
    const { user } = dovecot.users[1]!
    await dovecot.appendMessage(user, 'Subject: one\n\nhello\n')
    const connection = await connect(dovecot.imapPort, dovecot.users[1])
    await connection.listMessages('INBOX', 1, undefined)
    const standing = async () => (await connection.changes.listStandings(5_000)).find(({ path }) => path === 'INBOX')!
    const before = await standing()
    const imap = await dovecot.login(user)
    ends.push(async () => imap.close())
    await imap.run('SELECT INBOX')
    await imap.run('STORE 1:* +FLAGS (\\Seen)')
    expect((await standing()).status!.modseq).toBeGreaterThan(before.status!.modseq!)
    const unread = async () => (await connection.listFolders()).find(({ path }) => path === 'INBOX')!.unread
    expect(await unread()).toBe(0)
    await imap.run('STORE 1:* -FLAGS (\\Seen)')
    const total = before.status!.total
    expect(await unread()).toBe(total)
    const counts: FolderCount[] = []
    await imap.run('STORE 1:* +FLAGS (\\Seen)')
    await connection.countFolders(['INBOX'], 5_000, (_path, count) => counts.push(count))
    expect(counts).toEqual([{ total, unread: 0 }])
  })

  test('every folder is listed with its namespace, and opened by the path in the list', async () => {
    const connection = await connect(dovecot.imapPort, dovecot.users[0])
    const folders = await connection.listFolders()
    const named = new Map(folders.map(folder => [folder.path, folder]))
    expect(named.get(`${prefix}Sent`)).toMatchObject({ namespace: 'personal', role: 'sent', name: 'Sent', total: 0 })
    expect(named.get(`${prefix}Ä & Co.~sub`)).toMatchObject({ name: '~sub', namespace: 'personal', selectable: true })
    expect(named.get('Public.Team.Plans')).toMatchObject({ name: 'Plans', namespace: 'shared', role: null, total: 1 })
    expect(named.get('Public.Team')).toMatchObject({ namespace: 'shared', selectable: false, total: null })
    for (const { path, selectable, total } of folders) {
      if (selectable) expect((await connection.listMessages(path, 5, undefined)).total, path).toBe(total)
      else
        await expect(connection.listMessages(path, 5, undefined)).rejects.toMatchObject({
          code: 'folder_not_selectable',
        })
    }
  })

  test('a message marked as deleted says so, and has its keywords', async () => {
    const connection = await connect(dovecot.imapPort, dovecot.users[0])
    const { messages } = await connection.listMessages('Public.Team.Plans', 5, undefined)
    expect(messages).toMatchObject([{ flags: ['deleted', 'seen'], keywords: ['$Work'] }])
  })

  test('an address that Dovecot cannot read is none', async () => {
    const { user } = dovecot.users[1]!
    const connection = await connect(dovecot.imapPort, dovecot.users[1])
    for (const from of ['<>', 'root', 'Anna <anna>', '"unclosed <a@b', 'a b c', '<a@>', '@b', '(comment)']) {
      await dovecot.appendMessage(user, `From: ${from}\nSubject: x\n\nx\n`)
    }
    const told = JSON.stringify(await connection.listMessages('INBOX', 50, undefined))
    expect(told).not.toMatch(/MISSING|SYNTAX/)
    expect(told).toContain('"email":"root"')
    expect(told).toContain('"name":"Anna","email":"anna"')
  })

  test('folders are counted where the list does not count, also those with names in other alphabets', async () => {
    const connection = await connect(dovecot.imapPort, dovecot.users[0])
    const listed = (await connection.listFolders()).filter(({ selectable }) => selectable)
    const uncounted = await connection.listFolders(false)
    expect(uncounted.every(({ total }) => total === null)).toBe(true)
    const counts = new Map<string, FolderCount>()
    await connection.countFolders(
      listed.map(({ path }) => path),
      60_000,
      (path, count) => counts.set(path, count),
    )
    expect(Object.fromEntries(counts)).toEqual(
      Object.fromEntries(listed.map(({ path, total, unread }) => [path, { total, unread }])),
    )
  })
})

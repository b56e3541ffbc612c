/** A folder that stays open between requests: what it saves, and that everything which others do to the folder is seen all the same. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Dovecot, startDovecot } from '../../../test/support/dovecot.ts'
import type { RawImap } from '../../../test/support/raw-imap.ts'
import { available } from '../../../test/support/require.ts'
import { startSocketServer } from '../../../test/support/socket-server.ts'
import { startRelay, type TcpRelay } from '../../../test/support/tcp-relay.ts'
import { wholeMessage } from '../gateway-capabilities.ts'
import type { MailConnection } from '../mail-gateway.ts'
import { ImapFlowGateway } from './imapflow-gateway.ts'

const { signal } = new AbortController()
const ends: (() => unknown)[] = []

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

describe.skipIf(!available('dovecot'))('on Dovecot', () => {
  let dovecot: Dovecot
  let relay: TcpRelay
  let connection: MailConnection
  let other: RawImap
  /** Names of commands, since the last look. */
  let sent: string[]
  beforeAll(async () => {
    dovecot = await startDovecot()
  })
  afterAll(() => dovecot?.stop())
  beforeEach(async () => {
    sent = []
    const toServer = (data: string) => {
      for (const [, name = ''] of data.matchAll(/^\w+ (EXAMINE|SELECT|NOOP)\b/gim)) sent.push(name.toUpperCase())
      return data
    }
    relay = await startRelay(dovecot.imapPort, { toServer })
    ends.push(() => relay.stop())
    const { user, password } = dovecot.users[0]!
    other = await dovecot.login(user)
    ends.push(() => other.close())
    await other.run('CREATE Work')
    for (const number of [1, 2, 3]) await other.append('Work', `Subject: ${number}\r\n\r\nhello\r\n`)
    const login = { host: '127.0.0.1', port: relay.port, tls: 'none', user, password } as const
    connection = await new ImapFlowGateway().connect(login, { timeoutMs: 5_000, signal })
    ends.push(() => connection.close())
  })
  afterEach(async () => {
    const cleaner = await dovecot.login(dovecot.users[0]!.user)
    for (const folder of ['Work', 'Play']) await cleaner.run(`DELETE ${folder}`).catch(() => undefined)
    cleaner.close()
  })

  const subjects = async (path = 'Work') =>
    (await connection.listMessages(path, 10, undefined)).messages.map(({ subject }) => subject)
  const looked = () => sent.splice(0)

  test('a piece for which the server answers NIL, since the message was expunged meanwhile, is of no message, and not an empty one', async () => {
    let isNil = false
    const toClient = (data: string) =>
      isNil ? data.replace(/(BODY\[(?:1|)\]<0>) \{\d+\}\r\n[^)]*\)/gi, '$1 NIL)') : data
    const between = await startRelay(dovecot.imapPort, { toClient })
    ends.push(() => between.stop())
    const login = { host: '127.0.0.1', port: between.port, tls: 'none', ...dovecot.users[0]! } as const
    const { parts, close } = await new ImapFlowGateway()
      .connect(login, { timeoutMs: 5_000, signal })
      .then(made => ({ parts: made.parts, close: () => made.close() }))
    ends.push(close)
    const read = async (section: string) =>
      (await parts.read('Work', 1, { section, start: 0, length: 100 })).bytes?.toString()
    expect([await read('1'), await read(wholeMessage)]).toEqual(['hello\r\n', 'Subject: 1\r\n\r\nhello\r\n'])
    isNil = true
    expect([await read('1'), await read(wholeMessage)]).toEqual([undefined, undefined])
  })

  test('it is opened once, and asked for news before each request', async () => {
    expect(connection.openFolder).toBeUndefined()
    await subjects()
    expect(connection.openFolder).toBe('Work')
    await connection.getMessage('Work', 1, 1000)
    await connection.search('Work', undefined, 10)
    await connection.listArrivals('Work', 1, 10)
    expect(looked()).toEqual(['EXAMINE', 'NOOP', 'NOOP', 'NOOP'])
    await subjects('INBOX')
    await subjects('Work')
    expect(looked()).toEqual(['EXAMINE', 'EXAMINE'])
  })

  describe('of a part that is read on, the server is asked for news only where it may end', () => {
    const text = 'abcdefgh\r\n'.repeat(250)
    let uid: number
    beforeEach(async () => {
      uid = (await other.append('Work', `Subject: long\r\n\r\n${text}`)).uid
    })
    const read = async (start: number) => {
      const { uidValidity, bytes } = await connection.parts.read('Work', uid, { section: '1', start, length: 1_000 })
      return { uidValidity, text: bytes?.toString() }
    }

    test('which each of its last bytes shows, and all of them are read', async () => {
      const first = await read(0)
      expect(looked()).toEqual(['EXAMINE'])
      expect(await read(1_000)).toEqual({ ...first, text: text.slice(1_000, 2_000) })
      expect(looked()).toEqual([])
      expect(await read(2_000)).toEqual({ ...first, text: text.slice(2_000) })
      expect(await read(2_500)).toEqual({ ...first, text: '' })
      expect(looked()).toEqual(['NOOP', 'NOOP'])
      await subjects('Play').catch(() => subjects('INBOX'))
      looked()
      expect(await read(1_000)).toEqual({ ...first, text: text.slice(1_000, 2_000) })
      expect(looked()).toEqual(['EXAMINE'])
    })

    test('so one that was expunged meanwhile is not taken for a shorter one', async () => {
      await read(0)
      await other.run('SELECT Work')
      await other.run(`UID STORE ${uid} +FLAGS (\\Deleted)`)
      await other.run('EXPUNGE')
      expect([text.slice(1_000, 2_000), undefined]).toContain((await read(1_000)).text)
      expect((await read(2_000)).text).toBeUndefined()
      expect((await read(1_000)).text).toBeUndefined()
      expect(await subjects()).toEqual(['3', '2', '1'])
    })

    test('nor one of a folder that was made again', async () => {
      const { uidValidity } = await read(0)
      await other.run('DELETE Work')
      await other.run('CREATE Work')
      for (let number = 1; number <= uid; number++)
        await other.append('Work', `Subject: other\r\n\r\n${'x'.repeat(2_500)}`)
      // Dovecot may end the connection over it: then the pool asks over another one.
      const middle = await read(1_000).catch(() => undefined)
      if (middle?.uidValidity === uidValidity) expect([text.slice(1_000, 2_000), undefined]).toContain(middle.text)
      const last = await read(2_000).catch(() => undefined)
      expect(last?.uidValidity).not.toBe(uidValidity)
    })
  })

  test('what others add, mark and expunge is in the next answer', async () => {
    await subjects()
    const { uid } = await other.append('Work', 'Subject: 4\r\n\r\n')
    expect(await subjects()).toEqual(['4', '3', '2', '1'])
    expect(await connection.listArrivals('Work', uid, 10)).toMatchObject({ uids: [uid], uidNext: uid + 1 })
    await other.run('SELECT Work')
    await other.run('STORE 2 +FLAGS (\\Seen \\Flagged)')
    expect((await connection.getMessage('Work', 2, 1000)).message?.flags.toSorted()).toEqual(['flagged', 'seen'])
    await other.run('STORE 1 +FLAGS (\\Deleted)')
    await other.run('EXPUNGE')
    const page = await connection.listMessages('Work', 10, undefined)
    expect(page).toMatchObject({ total: 3, hasMore: false })
    expect(page.messages.map(({ subject }) => subject)).toEqual(['4', '3', '2'])
    expect((await connection.getMessage('Work', 1, 1000)).message).toBeUndefined()
    expect((await connection.search('Work', undefined, 10)).found.map(({ uid }) => uid)).toEqual([4, 3, 2])
    expect(looked().filter(name => name === 'EXAMINE')).toHaveLength(1)
  })

  test('UIDs that are new are found by each look for them, however often and though nothing came between', async () => {
    const { uidNext } = await connection.listArrivals('Work', 1, 10)
    expect(await connection.listArrivals('Work', uidNext, 10)).toMatchObject({ uids: [], uidNext })
    const { uid } = await other.append('Work', 'Subject: 4\r\n\r\n')
    expect(await connection.listArrivals('Work', uidNext, 10)).toMatchObject({ uids: [uid] })
    expect(await connection.listArrivals('Work', uid + 1, 10)).toMatchObject({ uids: [], uidNext: uid + 1 })
  })

  test('a folder that was deleted and made again under the same name is another one', async () => {
    const before = await connection.listMessages('Work', 10, undefined)
    await other.run('DELETE Work')
    await other.run('CREATE Work')
    await other.append('Work', 'Subject: other\r\n\r\n')
    const after = await connection.listMessages('Work', 10, undefined)
    expect(after.uidValidity).not.toBe(before.uidValidity)
    expect(after.messages.map(({ subject }) => subject)).toEqual(['other'])
  })

  test('nothing is changed in a folder that was made again after it was looked at for that', async () => {
    const target = async () => {
      const { uidValidity, there } = await connection.changes.flagStanding('Work', [[1, 10]], ['\\Flagged'])
      return { path: 'Work', uidValidity, uids: there.map(([uid]) => uid) }
    }
    const looked = await target()
    expect(looked.uids).not.toEqual([])
    await other.run('DELETE Work')
    await other.run('CREATE Work')
    await other.append('Work', 'Subject: other\r\n\r\n')
    const change = { add: ['\\Flagged'], remove: [] }
    await expect(connection.writer.changeFlags(looked, change)).rejects.toMatchObject({ code: 'stale_ref' })
    await expect(connection.writer.move(looked, 'INBOX')).rejects.toMatchObject({ code: 'stale_ref' })
    expect((await connection.listMessages('Work', 10, undefined)).messages).toMatchObject([
      { subject: 'other', flags: [] },
    ])
    const again = await target()
    await connection.writer.changeFlags(again, change)
    expect((await connection.listMessages('Work', 10, undefined)).messages).toMatchObject([{ flags: ['flagged'] }])
  })

  test.each(['DELETE Work', 'RENAME Work Play'])(
    'after %s the connection ends, and the next one does not find it',
    async deed => {
      await subjects()
      await other.run(deed)
      await expect(subjects()).rejects.toMatchObject({ extension: { fault: 'closed' } })
      const { user, password } = dovecot.users[0]!
      const login = { host: '127.0.0.1', port: dovecot.imapPort, tls: 'none', user, password } as const
      connection = await new ImapFlowGateway().connect(login, { timeoutMs: 5_000, signal })
      ends.push(() => connection.close())
      await expect(subjects()).rejects.toMatchObject({ code: 'folder_not_found' })
    },
  )
})

describe('on a server that', () => {
  let now: number
  let sent: string[]
  let answers: Record<string, () => string[]>
  beforeEach(() => {
    now = 0
    sent = []
    answers = {
      CAPABILITY: () => ['* CAPABILITY IMAP4rev1'],
      LIST: () => ['* LIST () "/" INBOX'],
      EXAMINE: () => ['* 2 EXISTS', '* OK [UIDVALIDITY 7] valid', '* OK [UIDNEXT 3] next'],
    }
  })

  async function connect(): Promise<MailConnection> {
    const server = await startSocketServer(socket => {
      socket.write('* OK ready\r\n')
      socket.on('data', data => {
        for (const line of String(data).split('\r\n').filter(Boolean)) {
          const [tag, command = ''] = line.split(' ')
          sent.push(command)
          socket.write([...(answers[command]?.() ?? []), `${tag} OK done`, ''].join('\r\n'))
        }
      })
    })
    ends.push(() => server.stop())
    const login = { host: '127.0.0.1', port: server.port, tls: 'none', user: 'a', password: 'b' } as const
    const keeping = { provedMs: 30_000, unprovedMs: 5_000, now: () => now }
    const connection = await new ImapFlowGateway({ keeping }).connect(login, { timeoutMs: 5_000, signal })
    ends.push(() => connection.close())
    return connection
  }

  const total = async (connection: MailConnection) => (await connection.listMessages('INBOX', 10, undefined)).total
  const opened = () => sent.filter(name => name === 'EXAMINE').length

  test('tells no news after NOOP, the folder is opened again after 5 s, and each time when that showed news twice', async () => {
    const connection = await connect()
    expect(await total(connection)).toBe(2)
    for (const [count, at] of [
      [3, 5_000],
      [4, 10_000],
    ] as const) {
      answers.EXAMINE = () => [`* ${count} EXISTS`, '* OK [UIDVALIDITY 7] valid']
      now = at - 1
      expect(await total(connection)).toBe(count - 1)
      now = at
      expect(await total(connection)).toBe(count)
    }
    expect(opened()).toBe(3)
    answers.EXAMINE = () => ['* 5 EXISTS', '* OK [UIDVALIDITY 7] valid']
    expect(await total(connection)).toBe(5)
    expect(await total(connection)).toBe(5)
    expect(opened()).toBe(5)
  })

  test('once told news after NOOP is believed for 30 s', async () => {
    const connection = await connect()
    await total(connection)
    answers.NOOP = () => ['* 3 EXISTS']
    expect(await total(connection)).toBe(3)
    now = 29_999
    expect(await total(connection)).toBe(3)
    expect(opened()).toBe(1)
    answers.EXAMINE = () => ['* 3 EXISTS', '* OK [UIDVALIDITY 7] valid']
    now = 30_000
    expect(await total(connection)).toBe(3)
    expect(opened()).toBe(2)
  })

  test('refuses NOOP, or complains at it, is asked to open the folder again', async () => {
    const connection = await connect()
    await total(connection)
    answers.NOOP = () => ['* NO this mailbox is not what it was']
    answers.EXAMINE = () => ['* 9 EXISTS', '* OK [UIDVALIDITY 8] valid']
    expect(await connection.listMessages('INBOX', 10, undefined)).toMatchObject({ total: 9, uidValidity: 8 })
    expect(opened()).toBe(2)
  })

  test('counts an expunged message in STATUS first and tells of it later, the message is counted once', async () => {
    const connection = await connect()
    await total(connection)
    answers.STATUS = () => ['* STATUS INBOX (MESSAGES 1 UNSEEN 0)']
    answers.NOOP = () => ['* 2 EXPUNGE']
    answers.EXAMINE = () => ['* 1 EXISTS', '* OK [UIDVALIDITY 7] valid']
    await connection.countFolders(['INBOX'], 1_000, () => undefined)
    expect(sent).toContain('STATUS')
    expect(await total(connection)).toBe(1)
  })
})

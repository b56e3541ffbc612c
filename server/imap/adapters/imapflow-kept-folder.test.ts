/** A folder that stays open between requests: what it saves, and that everything which others do to the folder is seen all the same. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Dovecot, startDovecot } from '../../../test/support/dovecot.ts'
import { patience } from '../../../test/support/patience.ts'
import type { RawImap } from '../../../test/support/raw-imap.ts'
import { available } from '../../../test/support/require.ts'
import { startSocketServer } from '../../../test/support/socket-server.ts'
import { startRelay, type TcpRelay } from '../../../test/support/tcp-relay.ts'
import { wholeMessage } from '../gateway-capabilities.ts'
import type { MailConnection } from '../mail-gateway.ts'
import { ImapFlowGateway } from './imapflow-gateway.ts'
import { keepingTimes } from './imapflow-kept-folder.ts'

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
  /** Names of the commands since the last check. */
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
    other = await dovecot.login(dovecot.users[0]!.user)
    ends.push(() => other.close())
    await other.run('CREATE Work')
    for (const number of [1, 2, 3]) await other.append('Work', `Subject: ${number}\r\n\r\nhello\r\n`)
    connection = await connectAt(relay.port)
  })
  afterEach(async () => {
    const cleaner = await dovecot.login(dovecot.users[0]!.user)
    for (const folder of ['Work', 'Play']) await cleaner.run(`DELETE ${folder}`).catch(() => undefined)
    cleaner.close()
  })

  const connectAt = async (port: number, now?: () => number) => {
    const { user, password } = dovecot.users[0]!
    const login = { host: '127.0.0.1', port, tls: 'none', user, password } as const
    const keeping = now && { ...keepingTimes, now }
    const opened = await new ImapFlowGateway(keeping && { keeping }).connect(login, { timeoutMs: patience, signal })
    ends.push(() => opened.close())
    return opened
  }
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
      .connect(login, { timeoutMs: patience, signal })
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
      // Dovecot may end the connection because of it: then the pool asks over another one.
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

  test('a folder that was opened for a look is not opened once more for it, once, and what happened before that is seen', async () => {
    connection = await connectAt(relay.port, () => 0)
    const look = () => connection.changes.flagStanding('Work', [[1, 10]], ['\\Flagged'])
    await subjects()
    await other.run('SELECT Work')
    await other.run('UID STORE 2 +FLAGS (\\Flagged)')
    looked()
    await connection.changes.ready('Work')
    expect((await look()).having).toEqual(new Map([['\\Flagged', [[2, 2]]]]))
    expect(looked()).toEqual(['EXAMINE'])
    await look()
    expect(looked()).toEqual(['EXAMINE'])
    await connection.changes.ready('Work')
    await connection.listArrivals('INBOX', 1, 10)
    await look()
    expect(looked()).toEqual(['EXAMINE', 'EXAMINE', 'EXAMINE'])
  })

  test('a folder that was opened for a change is not opened once more for it, and nothing is changed in one that was made again since', async () => {
    let now = 0
    connection = await connectAt(relay.port, () => now)
    const change = { add: ['\\Flagged'], remove: [] }
    const target = async () => {
      const { uidValidity, there } = await connection.changes.flagStanding('Work', [[1, 10]], [])
      connection.writer.prepare('Work')
      // Its answer is behind that of the opening.
      await connection.listFolders(false)
      now += 11
      return { path: 'Work', uidValidity, uids: there.flat() }
    }
    const wanted = await target()
    expect(connection.openFolder).toBe('Work')
    await connection.writer.changeFlags(wanted, change)
    expect(looked()).toEqual(['EXAMINE', 'SELECT', 'NOOP'])
    await target()
    // For anything else it is opened read-only.
    expect(await subjects()).toEqual(['3', '2', '1'])
    expect(looked()).toEqual(['EXAMINE', 'SELECT', 'EXAMINE'])
    const stale = await target()
    await other.run('DELETE Work')
    await other.run('CREATE Work')
    await other.append('Work', 'Subject: other\r\n\r\n')
    await expect(connection.writer.changeFlags(stale, change)).rejects.toMatchObject({ code: 'stale_ref' })
    expect(looked()).toEqual(['EXAMINE', 'SELECT', 'NOOP', 'SELECT'])
    expect((await connection.listMessages('Work', 10, undefined)).messages).toMatchObject([
      { subject: 'other', flags: [] },
    ])
  })

  test.each(['DELETE Work', 'RENAME Work Play'])(
    'after %s the connection ends, and the next one does not find it',
    async deed => {
      await subjects()
      await other.run(deed)
      await expect(subjects()).rejects.toMatchObject({ extension: { fault: 'closed' } })
      connection = await connectAt(dovecot.imapPort)
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
    const keeping = { justOpenedMs: 10, preparedMs: 50, provedMs: 30_000, unprovedMs: 5_000, now: () => now }
    const connection = await new ImapFlowGateway({ keeping }).connect(login, { timeoutMs: patience, signal })
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

  test('opened a folder for a change that comes late opens it again', async () => {
    answers.SELECT = answers.EXAMINE!
    const connection = await connect()
    const target = { path: 'INBOX', uidValidity: 7, uids: [1] }
    // ImapFlow lists a folder before it opens it for the first time.
    await total(connection)
    for (const [after, opened] of [
      [10, ['SELECT', 'UID', 'UID']],
      [11, ['SELECT', 'NOOP', 'UID']],
      [50, ['SELECT', 'NOOP', 'UID']],
      [51, ['SELECT', 'SELECT', 'UID']],
    ] as const) {
      sent.splice(0)
      connection.writer.prepare('INBOX')
      await connection.listFolders(false)
      now += after
      await connection.writer.setFlags(target, 'add', ['\\Seen'])
      expect(sent.filter(name => /SELECT|NOOP|UID/.test(name)).slice(0, 3)).toEqual(opened)
    }
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

  test('tells of a folder that was deleted as of one that was emptied is asked to open it again, once', async () => {
    const connection = await connect()
    expect(await total(connection)).toBe(2)
    const news = [['* 2 EXPUNGE', '* 1 EXPUNGE'], ['* 1 EXPUNGE']]
    answers.NOOP = () => news.shift() ?? []
    // A new folder of that name was created.
    answers.EXAMINE = () => ['* 1 EXISTS', '* OK [UIDVALIDITY 8] valid']
    expect(await connection.listMessages('INBOX', 10, undefined)).toMatchObject({ total: 1, uidValidity: 8 })
    // This one was emptied.
    answers.EXAMINE = () => ['* 0 EXISTS', '* OK [UIDVALIDITY 8] valid']
    for (let times = 0; times < 3; times++) {
      expect(await connection.listMessages('INBOX', 10, undefined)).toMatchObject({ total: 0, uidValidity: 8 })
    }
    expect(opened()).toBe(3)
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

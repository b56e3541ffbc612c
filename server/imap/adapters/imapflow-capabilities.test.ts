/** The capabilities of ImapFlow's connections on a real Dovecot, also where it hides its extensions, and where the way to it breaks. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type Dovecot, startDovecot } from '../../../test/support/dovecot.ts'
import { patience } from '../../../test/support/patience.ts'
import { available } from '../../../test/support/require.ts'
import { startRelay, type TcpRelay } from '../../../test/support/tcp-relay.ts'
import { createLogger } from '../../platform/logger.ts'
import { ConnectionPool } from '../connection-pool.ts'
import { gatewayCapabilitiesSuite } from '../gateway-capabilities.suite.ts'
import { type MessageWriter, UnknownOutcome } from '../gateway-capabilities.ts'
import { ImapFlowGateway } from './imapflow-gateway.ts'

const gateway = new ImapFlowGateway()
const alice = { user: 'alice@test.local', password: 'pw-alice' }
const { signal } = new AbortController()
const ends: (() => unknown)[] = []
const message = (text: string) => `From: Bob <bob@test.local>\nSubject: ${text}\n\nbody\n`

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

describe.skipIf(!available('dovecot'))('on Dovecot', () => {
  let dovecot: Dovecot
  beforeAll(async () => {
    dovecot = await startDovecot()
  })
  afterAll(() => dovecot?.stop())

  const empty = async () => {
    const imap = await dovecot.login(alice.user)
    for (const folder of ['INBOX', 'Archive', 'Drafts']) {
      await imap.run(`SELECT ${folder}`)
      await imap.run('STORE 1:* +FLAGS.SILENT (\\Deleted)').catch(() => undefined)
      await imap.run('EXPUNGE')
    }
    imap.close()
  }
  const login = (port = dovecot.imapPort) => ({ ...alice, host: '127.0.0.1', port, tls: 'none' as const })
  /** Also hides responses that a server without the capability would not send. */
  const isWithout = (words: string) => (data: string) => {
    const said = words.includes('UIDPLUS') ? data.replaceAll(/ \[(?:COPYUID|APPENDUID) [^\]\r]*\]/g, '') : data
    return said.includes('CAPABILITY ') ? said.replaceAll(new RegExp(` (${words})(?=[ \\]\r])`, 'g'), '') : said
  }

  for (const [name, hidden] of [
    ['with QRESYNC', 'nothing'],
    ['without QRESYNC', 'QRESYNC'],
    ['without MOVE', 'MOVE|QRESYNC'],
    ['without any extension', 'MOVE|UIDPLUS|CONDSTORE|QRESYNC|ENABLE|ESEARCH|ESORT'],
  ] as const) {
    gatewayCapabilitiesSuite(name, async () => {
      await empty()
      const relay = await startRelay(dovecot.imapPort, { toClient: isWithout(hidden) })
      const hasAll = hidden !== 'MOVE|UIDPLUS|CONDSTORE|QRESYNC|ENABLE|ESEARCH|ESORT'
      return {
        gateway,
        login: login(relay.port),
        hasUidPlus: hasAll,
        hasModseq: hasAll,
        deliver: async ({ subject, html, picture }, folder) => {
          const content = picture
            ? `Subject: ${subject}\nMIME-Version: 1.0\nContent-Type: multipart/related; boundary=b\n\n--b\nContent-Type: text/html\n\n${html}\n--b\nContent-Type: ${picture.type}\nContent-ID: <${picture.contentId}>\nContent-Transfer-Encoding: base64\nContent-Disposition: inline\n\n${picture.bytes.toString('base64').replaceAll(/.{76}/g, '$&\n')}\n--b--\n`
            : message(subject)
          return (await dovecot.appendMessage(alice.user, content, folder)).uid
        },
        cut: async () => relay.cutClients(),
        stop: () => relay.stop(),
      }
    })
  }

  test('threads are told by Message-ID, In-Reply-To and References, of which strangers write what they like', async () => {
    await empty()
    const ids = Array.from({ length: 150 }, (_, number) => `<${number}@x>`)
    const heads = [
      'Message-ID: <a@x>\nIn-Reply-To: <b@x>\nReferences: <c@x>\n\t<d@x> words\n <e@x>',
      `References:${ids.map(id => `\n ${id}`).join('')}`,
      'References: <>< >< a><b>\nSubject: x',
    ]
    for (const head of heads) await dovecot.appendMessage(alice.user, `${head}\n\nReferences: <body@x>\n`)
    const connection = await gateway.connect(login(), { timeoutMs: patience, signal })
    ends.push(() => connection.close())
    const { headers } = await connection.changes.listHeaders('INBOX', [1, 4_294_967_295], 10)
    expect(headers.map(({ references }) => references)).toEqual([['<b>'], ids.slice(-100), ['<c@x>', '<d@x>', '<e@x>']])
    expect(headers[2]).toMatchObject({ messageId: '<a@x>', inReplyTo: '<b@x>', emailId: null })
  })

  test('what a silent STORE changed is taken from its answer, and asked for where that does not say it of each message', async () => {
    await empty()
    const uids: number[] = []
    for (const text of ['one', 'two']) uids.push((await dovecot.appendMessage(alice.user, message(text))).uid)
    const sent: string[] = []
    let left: RegExp | undefined
    const relay = await startRelay(dovecot.imapPort, {
      toServer: data => {
        for (const [, name = ''] of data.matchAll(/^\w+ UID (STORE|SEARCH)\b/gm)) sent.push(name)
        return data
      },
      toClient: data => (left ? data.replace(left, '') : data),
    })
    ends.push(() => relay.stop())
    const connection = await gateway.connect(login(relay.port), { timeoutMs: 5_000, signal })
    ends.push(() => connection.close())
    const { uidValidity } = await connection.listMessages('INBOX', 1, undefined)
    const change = async (add: string[], remove: string[] = []) => {
      sent.splice(0)
      const { there, having } = await connection.writer.changeFlags(
        { path: 'INBOX', uidValidity, uids },
        { add, remove },
      )
      return { sent: sent.join(), there, having: [...having] }
    }
    const [first = 0, last = 0] = uids
    const all = [[first, last]]
    expect(await change(['\\Flagged'])).toEqual({ sent: 'STORE', there: all, having: [['\\Flagged', all]] })
    expect(await change([], ['\\Flagged'])).toEqual({ sent: 'STORE', there: all, having: [['\\Flagged', []]] })
    // Not every server stores a new keyword, and none reports an unchanged one.
    expect(await change(['new-one'])).toMatchObject({ sent: 'STORE,SEARCH', there: all, having: [['new-one', all]] })
    expect(await change([], ['\\Flagged'])).toMatchObject({ sent: 'STORE,SEARCH,SEARCH', there: all })
    left = new RegExp(`\\* \\d+ FETCH \\(UID ${last} MODSEQ [^\r]*\r\n`)
    expect(await change(['\\Seen'])).toMatchObject({ sent: 'STORE,SEARCH', there: all, having: [['\\Seen', all]] })
  })

  test('a batch of which every message vanished, unreported, is not the end of the folder: it is searched again', async () => {
    await empty()
    const uids: number[] = []
    for (const text of ['one', 'two', 'three', 'four']) {
      uids.push((await dovecot.appendMessage(alice.user, message(text))).uid)
    }
    let searches = 0
    const relay = await startRelay(dovecot.imapPort, {
      toServer: data => {
        searches += data.match(/^\w+ UID SEARCH RETURN/gm)?.length ?? 0
        return data
      },
      toClient: data => isWithout('QRESYNC|CONDSTORE')(data).replaceAll(/^\* \d+ EXPUNGE\r\n/gm, ''),
    })
    ends.push(() => relay.stop())
    const connection = await gateway.connect(login(relay.port), { timeoutMs: patience, signal })
    ends.push(() => connection.close())
    const older = async (below: number) => {
      const { headers, hasMore } = await connection.changes.listHeaders('INBOX', [1, below - 1], 1)
      return { subjects: headers.map(({ subject }) => subject), hasMore, searches }
    }
    expect(await older(4_294_967_296)).toEqual({ subjects: ['four'], hasMore: true, searches: 1 })
    const imap = await dovecot.login(alice.user)
    await imap.run('SELECT INBOX')
    await imap.run(`UID STORE ${uids[2]} +FLAGS.SILENT (\\Deleted)`)
    await imap.run('EXPUNGE')
    imap.close()
    expect(await older(uids[3]!)).toEqual({ subjects: ['two'], hasMore: true, searches: 2 })
    expect(await older(uids[1]!)).toEqual({ subjects: ['one'], hasMore: false, searches: 2 })
  })

  test('COPYUID counts in pieces too, and one that makes no sense is none; a NO behind it leaves the outcome unknown', async () => {
    await empty()
    const uids: number[] = []
    for (const text of ['one', 'two']) uids.push((await dovecot.appendMessage(alice.user, message(text))).uid)
    let say: (validity: string, into: number) => string = () => ''
    let isRefused = false
    const toClient = (data: string) => {
      const said = data.replace(/^\* OK \[COPYUID (\d+) \S+ (\d+)[^\r]*\r\n/m, (_all, validity: string, into: string) =>
        say(validity, Number(into)),
      )
      return isRefused ? said.replace(/^(\w+) OK (?:\[[^\]]*\] )?Move/m, '$1 NO [EXPUNGEISSUED] Move') : said
    }
    const relay = await startRelay(dovecot.imapPort, { toClient })
    ends.push(() => relay.stop())
    const connection = await gateway.connect(login(relay.port), { timeoutMs: patience, signal })
    ends.push(() => connection.close())
    const [one = 0, two = 0] = uids
    const { uidValidity } = await connection.listMessages('INBOX', 1, undefined)
    const places: unknown[] = []
    const move = async (path: string, to: string, from: { uidValidity: number; uids: number[] }) => {
      const { places: told } = await connection.writer.move({ path, ...from }, to)
      places.push(told && [...told.uids])
      return told
    }
    const code = (validity: string, from: string, into: string) => `* OK [COPYUID ${validity} ${from} ${into}] x\r\n`
    say = (validity, into) => code(validity, `${one}`, `${into}`) + code(validity, `${two}`, `${into + 1}`)
    const there = await move('INBOX', 'Archive', { uidValidity, uids })
    const moved = { uidValidity: there!.uidValidity, uids: [...there!.uids.values()] }
    expect(places).toEqual([[one, two].map((uid, at) => [uid, moved.uids[at]])])
    // Both are said to be one.
    say = (validity, into) => code(validity, moved.uids.join(), `${into},${into}`)
    expect(await move('Archive', 'Drafts', moved)).toBeUndefined()
    const drafts = await connection.listMessages('Drafts', 5, undefined)
    const left = { uidValidity: drafts.uidValidity, uids: drafts.messages.map(({ uid }) => uid) }
    say = (validity, into) => code(validity, `${left.uids[0]}`, `${into}`)
    isRefused = true
    await expect(move('Drafts', 'INBOX', left)).rejects.toBeInstanceOf(UnknownOutcome)
  })

  describe('on a server without MOVE that lets nobody remove a message', () => {
    /** The server says OK and does nothing, like Courier without the right to mark messages as deleted. */
    const nothing = 'NOOP'
    const refused = 'NONSENSE'
    const none = { store: undefined, expunge: undefined }
    type Rule = { store: string | undefined; expunge: string | undefined }

    async function setUp() {
      await empty()
      const uids: number[] = []
      for (const text of ['one', 'two']) uids.push((await dovecot.appendMessage(alice.user, message(text))).uid)
      const rules: Record<string, Rule> = {}
      let open = ''
      const toServer = (data: string) => {
        open = /^\w+ SELECT "?(\w+)/m.exec(data)?.[1] ?? open
        const { store, expunge } = rules[open] ?? none
        const stored = store === undefined ? data : data.replace(/^(\w+) UID STORE .*(?=\r)/m, `$1 ${store}`)
        return expunge === undefined ? stored : stored.replace(/^(\w+) UID EXPUNGE .*(?=\r)/m, `$1 ${expunge}`)
      }
      const relay = await startRelay(dovecot.imapPort, { toServer, toClient: isWithout('MOVE|QRESYNC') })
      ends.push(() => relay.stop())
      const connection = await gateway.connect(login(relay.port), { timeoutMs: patience, signal })
      ends.push(() => connection.close())
      const list = async (path: string) => {
        const { messages } = await connection.listMessages(path, 9, undefined)
        return messages.map(({ subject, flags }) => [subject, flags.includes('deleted')])
      }
      const { uidValidity } = await connection.listMessages('INBOX', 1, undefined)
      const target = { path: 'INBOX', uidValidity, uids }
      return { rules, uids, target, list, writer: connection.writer }
    }

    const both = (isMarked = false) => [
      ['two', isMarked],
      ['one', isMarked],
    ]

    test.each([nothing, refused])('nothing is moved, and no copy is left (%s)', async store => {
      const { rules, uids, target, list, writer } = await setUp()
      rules.INBOX = { store, expunge: refused }
      const { places, left, twice } = await writer.move(target, 'Archive')
      expect({ moved: places?.uids.size, left, twice }).toEqual({ moved: 0, left: uids, twice: [] })
      expect([await list('INBOX'), await list('Archive')]).toEqual([both(), []])
      delete rules.INBOX
      expect(await writer.move(target, 'Archive')).toMatchObject({ left: [], twice: [] })
      expect([await list('INBOX'), await list('Archive')]).toEqual([[], both()])
    })

    test.each([
      { store: undefined, expunge: refused },
      { store: refused, expunge: undefined },
    ])('a copy that cannot be removed either is told (%j)', async rule => {
      const { rules, uids, target, list, writer } = await setUp()
      rules.INBOX = { store: refused, expunge: refused }
      rules.Archive = rule
      expect(await writer.move(target, 'Archive')).toMatchObject({ left: uids, twice: uids })
      expect([await list('INBOX'), await list('Archive')]).toEqual([both(), both(rule.store === undefined)])
    })

    test('of two messages, one of which cannot be removed, the other one is moved', async () => {
      const { rules, uids, target, list, writer } = await setUp()
      const [one = 0, two = 0] = uids
      rules.INBOX = { store: `UID STORE ${one} +FLAGS.SILENT (\\Deleted)`, expunge: undefined }
      const { places, left, twice } = await writer.move(target, 'Archive')
      expect({ moved: [...(places?.uids.keys() ?? [])], left, twice }).toEqual({ moved: [one], left: [two], twice: [] })
      expect([await list('INBOX'), await list('Archive')]).toEqual([[['two', false]], [['one', false]]])
    })

    test('those that are marked as deleted and stay have a copy, and to delete them says that they stay', async () => {
      const { rules, uids, target, list, writer } = await setUp()
      rules.INBOX = { store: undefined, expunge: refused }
      const { places, left, twice } = await writer.move(target, 'Archive')
      expect({ moved: places?.uids.size, left, twice }).toEqual({ moved: 2, left: uids, twice: [] })
      expect([await list('INBOX'), await list('Archive')]).toEqual([both(true), both()])
      expect(await writer.expunge(target)).toEqual([])
    })
  })

  test('messages that others delete are missed by the count, while UIDs are told in place of numbers', async () => {
    await empty()
    const connection = await gateway.connect(login(), { timeoutMs: patience, signal })
    ends.push(() => connection.close())
    const uids: number[] = []
    for (const text of ['a', 'b', 'c', 'd']) uids.push((await dovecot.appendMessage(alice.user, message(text))).uid)
    const list = async () => (await connection.listMessages('INBOX', 10, undefined)).messages.map(({ uid }) => uid)
    expect(await list()).toEqual(uids.toReversed())
    const imap = await dovecot.login(alice.user)
    await imap.run('SELECT INBOX')
    await imap.run(`UID STORE ${uids[0]},${uids[2]} +FLAGS.SILENT (\\Deleted)`)
    await imap.run('EXPUNGE')
    imap.close()
    expect(await list()).toEqual([uids[3], uids[1]])
  })

  describe('a change whose answer is lost', () => {
    let relay: TcpRelay
    let pool: ConnectionPool
    /** The response at which the connection is cut. */
    let cutAt: RegExp | undefined
    let commands: string[]

    const startPool = async () => {
      await empty()
      commands = []
      cutAt = undefined
      relay = await startRelay(dovecot.imapPort, {
        toServer: data => {
          commands.push(data)
          return data
        },
        toClient: data => {
          if (!cutAt?.test(data)) return data
          relay.cutClients()
          return ''
        },
      })
      ends.push(() => relay.stop())
      pool = new ConnectionPool({
        gateway,
        login: async () => login(relay.port),
        limits: { connection_timeout_seconds: 5, max_connections: 5, connection_pool_size: 2 },
        health: { setConnections: () => undefined },
        logger: createLogger('silent'),
      })
      ends.push(() => pool.stop())
    }
    const change = <T>(work: (writer: MessageWriter) => Promise<T>) => pool.runOnce('a', 'interactive', work, signal)
    const count = async (folder: string) => {
      const imap = await dovecot.login(alice.user)
      const answer = await imap.run(`STATUS ${folder} (MESSAGES)`)
      imap.close()
      return Number(/MESSAGES (\d+)/.exec(answer)?.[1])
    }

    test('is not made a second time, and is reported as an unknown outcome', async () => {
      await startPool()
      cutAt = /APPENDUID/
      const lost = change(writer => writer.append('Drafts', Buffer.from('Subject: once\r\n\r\nx\r\n')))
      await expect(lost).rejects.toBeInstanceOf(UnknownOutcome)
      await expect.poll(() => count('Drafts')).toBe(1)
      const { uid, uidValidity } = await dovecot.appendMessage(alice.user, message('move me'))
      cutAt = /COPYUID/
      const target = { path: 'INBOX', uidValidity, uids: [uid] }
      await expect(change(writer => writer.copy(target, 'Archive'))).rejects.toBeInstanceOf(UnknownOutcome)
      await expect.poll(() => count('Archive')).toBe(1)
      expect(commands.filter(command => command.includes('UID COPY'))).toHaveLength(1)
      cutAt = undefined
      // The next ones go on.
      expect(await change(writer => writer.setFlags(target, 'add', ['\\Seen']))).toMatchObject([{ uid }])
      expect([await count('Drafts'), await count('Archive')]).toEqual([1, 1])
    })

    test('is known not to be made when the connection went before it was sent, or the server refused', async () => {
      await startPool()
      const { uid, uidValidity } = await dovecot.appendMessage(alice.user, message('stay'))
      const target = { path: 'INBOX', uidValidity, uids: [uid] }
      cutAt = /UIDVALIDITY/
      const unsent = change(writer => writer.copy(target, 'Archive'))
      await expect(unsent).rejects.toMatchObject({ code: 'mail_server_unreachable', extension: { fault: 'closed' } })
      expect(commands.filter(command => command.includes('UID COPY'))).toEqual([])
      cutAt = undefined
      await expect(change(writer => writer.copy(target, 'Nowhere'))).rejects.toMatchObject({ name: 'Problem' })
      expect(await count('Archive')).toBe(0)
    })

    test('is not begun again when a later step of it was not even sent', async () => {
      await startPool()
      const { uid, uidValidity } = await dovecot.appendMessage(alice.user, message('stay'))
      const steps = change(async writer => {
        await writer.append('Drafts', Buffer.from('Subject: once\r\n\r\nx\r\n'))
        cutAt = /UIDVALIDITY/
        await writer.copy({ path: 'INBOX', uidValidity, uids: [uid] }, 'Archive')
      })
      await expect(steps).rejects.toMatchObject({ extension: { fault: 'closed' } })
      expect([await count('Drafts'), await count('Archive')]).toEqual([1, 0])
    })

    test('is unknown too when the server falls silent', async () => {
      await startPool()
      const { uid, uidValidity } = await dovecot.appendMessage(alice.user, message('stay'))
      await pool.setLimits({ connection_timeout_seconds: 1, max_connections: 5, connection_pool_size: 2 })
      cutAt = /COPYUID/
      const { cutClients } = relay
      Object.assign(relay, { cutClients: () => relay.silence() })
      const target = { path: 'INBOX', uidValidity, uids: [uid] }
      await expect(change(writer => writer.copy(target, 'Archive'))).rejects.toMatchObject({
        name: 'UnknownOutcome',
        cause: { code: 'mail_server_timeout' },
      })
      cutClients()
      expect(await count('Archive')).toBe(1)
    })
  })
})

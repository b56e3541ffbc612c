/** What one connection does to a real mailbox (nothing), and how it notices that the other side is gone. */
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { type Dovecot, startDovecot } from '../../../test/support/dovecot.ts'
import { freePort } from '../../../test/support/free-port.ts'
import { patience } from '../../../test/support/patience.ts'
import { available } from '../../../test/support/require.ts'
import { startRelay } from '../../../test/support/tcp-relay.ts'
import type { MailConnection, WatchChange } from '../mail-gateway.ts'
import { ImapFlowGateway } from './imapflow-gateway.ts'
import { watchTimes } from './imapflow-watch.ts'

const { signal } = new AbortController()

describe.skipIf(!available('dovecot'))('a connection to a real server', () => {
  let dovecot: Dovecot
  const ends: (() => Promise<void>)[] = []
  beforeAll(async () => {
    dovecot = await startDovecot()
  })
  afterAll(() => dovecot?.stop())
  afterEach(async () => {
    vi.useRealTimers()
    for (const end of ends.splice(0).reverse()) await end()
  })

  async function connect(user: number, port = dovecot.imapPort, times = { renewIdleMs: 60_000, pollMs: 50 }) {
    const gateway = new ImapFlowGateway({ watching: times })
    const login = { host: '127.0.0.1', port, tls: 'none', ...dovecot.users[user]! } as const
    const connection = await gateway.connect(login, { timeoutMs: patience, signal })
    ends.push(() => connection.close())
    return connection
  }

  /** Makes the timeout of later commands pass immediately: a busy machine must not look like a silent server. */
  async function endsInTime(work: Promise<unknown>): Promise<unknown> {
    let isOver = false
    const over = work.finally(() => {
      isOver = true
    })
    while (!isOver) await vi.advanceTimersByTimeAsync(1_000)
    return over
  }
  const hurry = () => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })

  async function relay(changes?: Parameters<typeof startRelay>[1]) {
    const relay = await startRelay(dovecot.imapPort, changes)
    ends.push(() => relay.stop())
    return relay
  }

  const append = (user: number, message: string) => dovecot.appendMessage(dovecot.users[user]!.user, message)

  async function outsideAppend(folder: string, message: string): Promise<void> {
    const outside = await dovecot.login(dovecot.users[1]!.user)
    await outside.append(folder, message)
    outside.close()
  }

  async function watch(connection: MailConnection): Promise<WatchChange[]> {
    const changes: WatchChange[] = []
    await connection.watch('INBOX', change => changes.push(change))
    return changes
  }

  test('reading leaves no trace: no message is seen, and what was recent stays so', async () => {
    const { user } = dovecot.users[0]!
    const html = 'Content-Type: text/html\n\n<p>hello</p>\n'
    const { uid } = await append(0, `Subject: untouched\nMIME-Version: 1.0\n${html}`)
    const connection = await connect(0)
    await connection.listFolders()
    await connection.listMessages('INBOX', 10, undefined)
    const { message } = await connection.getMessage('INBOX', uid, 1_000_000)
    await connection.listArrivals('INBOX', 1, 10)
    expect(message?.html).toContain('<p>hello</p>')
    const outside = await dovecot.login(user)
    await outside.run('EXAMINE INBOX')
    expect(await outside.run(`UID FETCH ${uid} (FLAGS)`)).toContain('FLAGS (\\Recent)')
    outside.close()
  })

  test('a peer that vanished without a word is noticed at the next renewal of IDLE', async () => {
    const between = await relay()
    const connection = await connect(1, between.port, { renewIdleMs: 100, pollMs: 50 })
    await watch(connection)
    between.silence()
    hurry()
    expect(await endsInTime(connection.closed)).toMatchObject({
      code: 'mail_server_timeout',
      extension: { fault: 'timeout' },
    })
  })

  test('whether a watched server is still there is found out when asked, and by itself in less than a minute', async () => {
    expect(watchTimes.renewIdleMs * 1.2 + watchTimes.checkMs).toBeLessThan(60_000)
    const between = await relay()
    const connection = await connect(1, between.port)
    const changes = await watch(connection)
    connection.check()
    await append(1, 'Subject: still there\n\n')
    await vi.waitFor(() => expect(changes.map(change => change.kind)).toContain('exists'))
    between.silence()
    hurry()
    connection.check()
    expect(await endsInTime(connection.closed)).toMatchObject({
      code: 'mail_server_timeout',
      extension: { fault: 'timeout' },
    })
  })

  test('a watching connection that is lent reads other folders, and tells what came meanwhile', async () => {
    const connection = await connect(1)
    const changes = await watch(connection)
    expect(connection.isWatching).toBe(true)
    await connection.pause()
    expect(connection.isWatching).toBe(false)
    await outsideAppend('Archive', 'Subject: kept\r\n\r\n')
    const page = await connection.listMessages('Archive', 10, undefined)
    expect(page.messages.map(({ subject }) => subject)).toContain('kept')
    await append(1, 'Subject: came meanwhile\n\n')
    expect(changes).toEqual([])
    await connection.resume()
    expect(changes.map(({ kind }) => kind)).toEqual(['exists'])
    await append(1, 'Subject: came later\n\n')
    await vi.waitFor(() => expect(changes.filter(({ kind }) => kind === 'exists').length).toBeGreaterThan(1))
    await connection.pause()
    await connection.listMessages('Archive', 10, undefined)
    const { length } = changes
    await connection.resume()
    expect(changes).toHaveLength(length + 1)
    await connection.pause()
    await connection.listMessages('Archive', 10, undefined)
    await connection.resume()
    // Nothing came, so nothing is fetched.
    expect(changes).toHaveLength(length + 1)
  })

  test.each([
    ['opens another folder, and its own again,', true],
    ['opens its own folder again', false],
  ])('a watching connection that is lent and %s tells what came before that', async (_name, isElsewhere) => {
    const connection = await connect(1)
    const changes = await watch(connection)
    await connection.pause()
    if (isElsewhere) await connection.listMessages('Archive', 10, undefined)
    const { length: before } = changes
    await append(1, 'Subject: came meanwhile\n\n')
    // Its EXAMINE reports the message, and no event does.
    await connection.changes.changesSince('INBOX', { uidValidity: 0, uids: [], modseq: undefined })
    await connection.resume()
    expect(changes.slice(before).map(({ kind }) => kind)).toContain('exists')
    const { length } = changes
    await connection.pause()
    await connection.resume()
    expect(changes).toHaveLength(length)
  })

  test('a lent connection that is lost tells its borrower', async () => {
    const between = await relay()
    const connection = await connect(1, between.port)
    await watch(connection)
    between.cutClients()
    await connection.closed
    await expect(connection.pause()).rejects.toMatchObject({ extension: { fault: 'closed' } })
    await connection.resume()
  })

  test('whether a server greets is found out without a login', async () => {
    const gateway = new ImapFlowGateway()
    const options = { timeoutMs: patience, signal }
    const at = (port: number, tls: 'implicit' | 'none') => gateway.probe({ host: '127.0.0.1', port, tls }, options)
    await at(dovecot.imapPort, 'none')
    await at(dovecot.imapsPort, 'implicit')
    const between = await relay()
    between.silence()
    const frozen = gateway.probe({ host: '127.0.0.1', port: between.port, tls: 'none' }, { timeoutMs: 100, signal })
    await expect(frozen).rejects.toMatchObject({ extension: { fault: 'timeout' } })
    await expect(at(await freePort(), 'none')).rejects.toMatchObject({ extension: { fault: 'refused' } })
  })

  test('a command that is not answered in time ends the connection', async () => {
    const between = await relay()
    const connection = await connect(1, between.port)
    between.silence()
    hurry()
    const listed = connection.listFolders().catch(error => error)
    expect(await endsInTime(listed)).toMatchObject({ code: 'mail_server_timeout' })
    expect(await connection.closed).toMatchObject({ code: 'mail_server_timeout' })
  })

  test('a connection that breaks while a page is fetched is told, and gives no shorter page', async () => {
    for (const text of ['one', 'two']) await append(1, `Subject: ${text}\n\nx\n`)
    let isCutting = false
    const { port, cutClients } = await relay({
      toServer: data => {
        if (isCutting && data.includes(' FETCH ')) cutClients()
        return data
      },
    })
    const connection = await connect(1, port)
    expect((await connection.listMessages('INBOX', 5, undefined)).messages.length).toBeGreaterThan(1)
    isCutting = true
    await expect(connection.listMessages('INBOX', 5, undefined)).rejects.toMatchObject({
      code: 'mail_server_unreachable',
    })
  })

  test('a server that does not offer IDLE is asked again and again', async () => {
    const between = await relay({ toClient: data => data.replaceAll(' IDLE', ' XDLE') })
    const changes = await watch(await connect(1, between.port))
    expect(changes).toEqual([{ kind: 'polling' }])
    await append(1, 'Subject: one\n\n')
    await vi.waitFor(() => expect(changes.map(change => change.kind)).toContain('exists'))
  })

  test('a server that offers IDLE and refuses it is asked again and again', async () => {
    const between = await relay({ toServer: data => data.replaceAll(' IDLE', ' XDLE') })
    const changes = await watch(await connect(2, between.port))
    await append(2, 'Subject: one\n\n')
    await vi.waitFor(() => expect(changes.map(change => change.kind)).toEqual(['polling', 'exists']))
  })

  test('IDLE that is renewed again and again misses nothing', async () => {
    const changes = await watch(await connect(3, dovecot.imapPort, { renewIdleMs: 5, pollMs: 50 }))
    for (let count = 1; count <= 10; count++) await append(3, `Subject: ${count}\n\n`)
    await vi.waitFor(() => expect(changes.at(-1)).toEqual({ kind: 'exists', count: 10 }))
    expect(changes.filter(change => change.kind === 'polling')).toEqual([])
  })

  test('a page of a full folder costs no more than its own messages', async () => {
    const { user } = dovecot.users[0]!
    const outside = await dovecot.login(user)
    for (let number = 0; number < 300; number++) await outside.append('Archive', `Subject: ${number}\r\n\r\n`)
    outside.close()
    let bytes = 0
    const between = await relay({
      toClient: data => {
        bytes += data.length
        return data
      },
    })
    const connection = await connect(0, between.port)
    const first = await connection.listMessages('Archive', 10, undefined)
    const next = await connection.listMessages('Archive', 10, first.messages.at(-1)?.uid)
    expect(first.messages.map(message => message.subject)).toEqual(Array.from({ length: 10 }, (_, i) => `${299 - i}`))
    expect(next.messages.map(message => message.subject)).toEqual(Array.from({ length: 10 }, (_, i) => `${289 - i}`))
    expect(bytes).toBeLessThan(30_000)
  })
})

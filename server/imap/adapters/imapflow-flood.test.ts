/** A mail server that says far more than it was asked for is cut off, with the reason; what mailboxes really say passes. */
import { afterEach, describe, expect, test, vi } from 'vitest'
import { type FloodingImap, type FloodScript, startFloodingImap } from '../../../test/support/flooding-imap.ts'
import type { MailConnection } from '../mail-gateway.ts'
import { ImapFlowGateway } from './imapflow-gateway.ts'

let server: FloodingImap
const ends: (() => Promise<void>)[] = []
let droppedRows = 0

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

async function connect(script: FloodScript, timeoutMs = 60_000, unaskedLines?: number): Promise<MailConnection> {
  server = await startFloodingImap(script)
  ends.push(() => server.stop())
  droppedRows = 0
  const gateway = new ImapFlowGateway({ onRowDropped: () => droppedRows++, ...(unaskedLines ? { unaskedLines } : {}) })
  const login = { host: '127.0.0.1', port: server.port, tls: 'none', user: 'u', password: 'p' } as const
  const connection = await gateway.connect(login, { timeoutMs, signal: new AbortController().signal })
  ends.push(() => connection.close())
  return connection
}

const flood = { code: 'mail_server_unreachable', extension: { fault: 'flood', part: 'imap' } }
const gone = () => vi.waitFor(() => expect(server.sockets.size).toBe(0))

describe('a flood before the login stands ends the attempt', () => {
  test.each<[string, FloodScript]>([
    ['lines at the greeting', { at: 'GREETING', again: '* OK hi\r\n' }],
    ['lines at CAPABILITY', { at: 'CAPABILITY', again: '* OK hi\r\n' }],
    ['lines before the tag of LOGIN', { at: 'LOGIN', again: '* OK hi\r\n' }],
    ['counts before the tag of LOGIN', { at: 'LOGIN', again: '* 1 EXISTS\r\n' }],
    ['a line without an end', { at: 'LOGIN', begin: '* OK ', again: 'x' }],
    ['a greeting without an end', { at: 'GREETING', begin: '* OK ', again: 'x' }],
    ['NUL without an end', { at: 'LOGIN', again: '\0' }],
    ['empty lines', { at: 'LOGIN', again: '\r\n' }],
    ['a huge literal that is announced', { at: 'LOGIN', begin: '* LIST () "/" {60000000}\r\n' }],
    ['a huge literal that is sent', { at: 'LOGIN', begin: '* LIST () "/" {60000000}\r\n', again: 'x' }],
    ['many small literals', { at: 'LOGIN', begin: '* X', again: ' {1}\r\nx' }],
    ['rows of FETCH', { at: 'LOGIN', again: '* 1 FETCH (FLAGS ())\r\n' }],
  ])('%s', async (_, script) => {
    await expect(connect(script)).rejects.toMatchObject(flood)
    await gone()
    expect(server.flooded).toBeLessThan(20_000_000)
  })
})

describe('a flood in a session ends the connection, and both the command and the connection say why', () => {
  const work: Record<string, (connection: MailConnection) => Promise<unknown>> = {
    LIST: connection => connection.listFolders(),
    SELECT: connection => connection.listMessages('INBOX', 10, undefined),
    FETCH: connection => connection.listMessages('INBOX', 10, undefined),
    SEARCH: connection => connection.search('INBOX', undefined, 10),
  }
  test.each<[string, FloodScript & { at: string }]>([
    ['words at LIST', { at: 'LIST', again: '* OK hi\r\n' }],
    ['folders', { at: 'LIST', again: `* LIST () "/" ${'f'.repeat(40)}\r\n` }],
    ['one folder as a huge literal', { at: 'LIST', begin: '* LIST () "/" {60000000}\r\n' }],
    ['an open folder that never ends to be opened', { at: 'SELECT', again: '* OK [X] hi\r\n' }],
    ['rows of messages that were never asked for', { at: 'FETCH', again: '* 9 FETCH (UID 109 RFC822.SIZE 50)\r\n' }],
    ['one row with a string without an end', { at: 'FETCH', begin: '* 1 FETCH (UID 101 X "', again: 'x' }],
    ['one row with literals without an end', { at: 'FETCH', begin: '* 1 FETCH (UID 101', again: ' X {1}\r\nx' }],
    ['a text that is longer than was asked for', { at: 'FETCH', begin: '* 1 FETCH (BODY[1]<0> {2000000}\r\n' }],
    ['a list without an end', { at: 'FETCH', begin: '* 1 FETCH (UID 101 ENVELOPE (', again: 'NIL ' }],
    ['finds without an end', { at: 'SEARCH', begin: '* SEARCH', again: ' 1234567' }],
    ['finds in lines without an end', { at: 'SEARCH', again: '* SEARCH 1\r\n' }],
  ])('%s', async (_, script) => {
    const connection = await connect({}, 60_000, 2_000)
    server.script = script
    await expect(work[script.at]!(connection)).rejects.toMatchObject(flood)
    expect(await connection.closed).toMatchObject(flood)
    await gone()
  })

  test.each<[string, FloodScript]>([
    ['counts', { again: '* 1 EXISTS\r\n' }],
    ['removals', { again: '* 1 EXPUNGE\r\n' }],
    ['flags', { again: '* 1 FETCH (FLAGS ())\r\n' }],
    ['words', { again: '* OK Still here\r\n' }],
    ['a line without an end', { begin: '* OK ', again: 'x' }],
  ])('in IDLE: %s', async (_, script) => {
    const connection = await connect({ at: 'IDLE', ...script }, 60_000, 2_000)
    await connection.watch('INBOX', () => undefined)
    expect(await connection.closed).toMatchObject(flood)
    await gone()
  })

  test('behind LOGOUT: it is over within its second', async () => {
    const connection = await connect({ at: 'LOGOUT', again: '* OK hi\r\n' })
    await connection.close()
    await gone()
  })

  test('a drip that keeps a command alive ends with the time of the command', async () => {
    const seconds = 60
    const connection = await connect({}, seconds * 1_000)
    server.script = { at: 'LIST' }
    const [socket] = server.sockets
    // Its timeout passes immediately: a busy machine might need as long to connect as a test would wait.
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    ends.push(async () => void vi.useRealTimers())
    const listed = connection.listFolders().catch(error => error)
    for (let second = 0; second < seconds; second++) {
      socket?.write('* OK Still here\r\n')
      await vi.advanceTimersByTimeAsync(1_000)
    }
    expect(await listed).toMatchObject({ code: 'mail_server_timeout' })
    vi.useRealTimers()
    await gone()
  })

  test('unsolicited reports of vanished messages are not counted one by one', async () => {
    const vanished = '* VANISHED 1:4294967295\r\n'.repeat(50)
    const connection = await connect({ exists: 2, extra: { SELECT: vanished, EXAMINE: vanished, FETCH: vanished } })
    const { messages } = await connection.listMessages('INBOX', 10, undefined)
    expect(messages.map(({ uid }) => uid)).toEqual([102, 101])
  })

  test('floods on twenty connections at once end them all, and hold little memory meanwhile', async () => {
    server = await startFloodingImap({ at: 'FETCH', begin: '* 1 FETCH (UID 101 X "', again: 'x' })
    ends.push(() => server.stop())
    const gateway = new ImapFlowGateway()
    const login = { host: '127.0.0.1', port: server.port, tls: 'none', user: 'u', password: 'p' } as const
    const options = { timeoutMs: 60_000, signal: new AbortController().signal }
    const all = await Promise.all(Array.from({ length: 20 }, () => gateway.connect(login, options)))
    await Promise.all(all.map(one => expect(one.listMessages('INBOX', 10, undefined)).rejects.toMatchObject(flood)))
    await gone()
    // What the client read and what sockets buffer: two row bounds and some buffers each.
    expect(server.flooded).toBeLessThan(20 * 16_000_000)
  })
})

describe('what mailboxes really say passes', () => {
  test('the UIDs of 100,000 messages in one line', async () => {
    const uids = Array.from({ length: 100_000 }, (_, index) => 900_000 + index).join(' ')
    const connection = await connect({ extra: { SEARCH: `* SEARCH ${uids}\r\n` } })
    const { total } = await connection.search('INBOX', undefined, 0)
    expect(total).toBe(100_000)
  })

  test('flags of 10,000 messages that another program changed, beside a list', async () => {
    const rows = Array.from({ length: 10_000 }, (_, index) => `* ${index + 1} FETCH (FLAGS (\\Seen))\r\n`).join('')
    const connection = await connect({ exists: 10_000, extra: { FETCH: rows } })
    const { messages } = await connection.listMessages('INBOX', 10, undefined)
    expect(messages).toHaveLength(10)
    expect(droppedRows).toBe(0)
  })

  test('a folder of 100,000 messages that is emptied during IDLE', async () => {
    const removals = Array.from({ length: 100_000 }, (_, index) => `* ${100_000 - index} EXPUNGE\r\n`).join('')
    const connection = await connect({ exists: 100_000, extra: { IDLE: removals } })
    let seen = 0
    await connection.watch('INBOX', ({ kind }) => {
      if (kind === 'expunge') seen++
    })
    await vi.waitFor(() => expect(seen).toBe(100_000))
  })

  test('10,000 folders', async () => {
    const folders = Array.from({ length: 10_000 }, (_, index) => `* LIST () "/" "folder ${index}"\r\n`).join('')
    const connection = await connect({})
    server.script = { extra: { LIST: folders } }
    const listed = await connection.listFolders()
    expect(listed.length).toBeGreaterThanOrEqual(10_000)
  })
})

test('rows of messages that were not requested are dropped and counted, and the rest is listed', async () => {
  const other = '* 900 FETCH (UID 1000 FLAGS () RFC822.SIZE 50)\r\n'
  const connection = await connect({ extra: { FETCH: other.repeat(50) } })
  const { messages } = await connection.listMessages('INBOX', 10, undefined)
  expect(messages.map(({ uid }) => uid)).toEqual([103, 102, 101])
  expect(droppedRows).toBe(50)
})

test('a server that offers compression is not asked for it: a bomb would go off behind the budget', async () => {
  const connection = await connect({ extra: { CAPABILITY: '* CAPABILITY IMAP4rev1 IDLE COMPRESS=DEFLATE\r\n' } })
  await connection.listFolders()
  expect(server.lines.some(line => line.includes('LOGIN'))).toBe(true)
  expect(server.lines.filter(line => line.includes('COMPRESS'))).toEqual([])
})

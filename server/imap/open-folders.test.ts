/** Which connection a request gets: one that has its folder open, unless another waits too long for it. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createLogger } from '../platform/logger.ts'
import { MemoryGateway } from './adapters/memory-gateway.ts'
import { ConnectionPool } from './connection-pool.ts'
import type { MailConnection } from './mail-gateway.ts'

const { signal } = new AbortController()
let gateway: MemoryGateway
let pool: ConnectionPool

beforeEach(() => {
  gateway = new MemoryGateway()
})
afterEach(() => pool.stop())

function open(connection_pool_size: number): void {
  pool = new ConnectionPool({
    gateway,
    login: async user => ({ host: 'memory', port: 143, tls: 'none', user, password: 'secret' }),
    limits: { connection_timeout_seconds: 5, max_connections: 20, connection_pool_size },
    health: { setConnections: () => undefined },
    logger: createLogger('silent'),
  })
}

/** Answers which connection it was, and whether the folder was open there. */
const list = (folder: string, before: Promise<void> | undefined = undefined) => {
  const work = async (connection: MailConnection) => {
    const wasOpen = connection.openFolder === folder
    await before
    await connection.listMessages(folder, 1, undefined)
    return { connection, wasOpen }
  }
  return pool.run('a', 'interactive', work, signal, folder)
}

test('a request gets the connection that has its folder open, and opens another folder where that disturbs least', async () => {
  open(2)
  const { promise: both, resolve } = Promise.withResolvers<void>()
  const first = [list('INBOX', both), list('Sent', both)]
  // Both are at work at the same time, so that there are two connections.
  await expect.poll(() => pool.connections('a')?.busy).toBe(2)
  resolve()
  const [inbox, sent] = await Promise.all(first)
  for (let turn = 0; turn < 3; turn++) {
    for (const [folder, known] of [
      ['INBOX', inbox],
      ['Sent', sent],
    ] as const) {
      expect(await list(folder)).toEqual({ connection: known?.connection, wasOpen: true })
    }
  }
  // INBOX was used last, so Sent is closed for a third folder.
  await list('INBOX')
  expect((await list('Trash')).connection).toBe(sent?.connection)
  expect((await list('INBOX')).wasOpen).toBe(true)
  // A command without a folder leaves them all open.
  await pool.run('a', 'interactive', connection => connection.listFolders(), signal)
  expect((await list('Trash')).wasOpen).toBe(true)
  expect(gateway.attempts).toBe(2)
})

test('of those who wait, one whose folder is open is served first, but never more than eight before the first', async () => {
  open(1)
  const { promise: held, resolve } = Promise.withResolvers<void>()
  const order: string[] = []
  const note = (name: string, folder: string) => list(folder).then(({ wasOpen }) => order.push(`${name} ${wasOpen}`))
  const holder = list('INBOX', held)
  await expect.poll(() => pool.connections('a')?.busy).toBe(1)
  const all = [note('other', 'Sent'), ...Array.from({ length: 20 }, (_, turn) => note(`same ${turn}`, 'INBOX'))]
  resolve()
  await Promise.all([holder, ...all])
  const place = order.indexOf('other false')
  expect(order.slice(0, place)).toEqual(Array.from({ length: 8 }, (_, turn) => `same ${turn} true`))
  expect(order).toHaveLength(21)
})

test('of two folders that many ask for at once, each connection keeps one open', async () => {
  open(2)
  const asked = Array.from({ length: 100 }, (_, turn) => list(turn % 2 === 0 ? 'INBOX' : 'Sent'))
  const opened = (await Promise.all(asked)).filter(({ wasOpen }) => !wasOpen).length
  expect(opened).toBeLessThan(25)
})

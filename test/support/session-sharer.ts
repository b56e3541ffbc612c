/**
 * A pooler in front of PostgreSQL that shares one session between transactions or statements, as PgBouncer does with
 * `pool_mode = transaction` or `statement`.
 */
import type { Socket } from 'node:net'
import pg from 'pg'
import { type SocketServer, startSocketServer } from './socket-server.ts'

/** What ends a response of PostgreSQL: `Z`, its length, and whether a transaction is open. */
const idle = Buffer.from([0x5a, 0, 0, 0, 5, 0x49])
/** AuthenticationOk. */
const welcome = Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 0])

interface Inside {
  connection: { stream: Socket }
}

/** PgBouncer's answer to BEGIN where it lends a session for one statement only. */
const refusedBegin = message('E', ['SERROR', 'C08P01', 'Mtransaction blocks not allowed in statement pooling mode', ''])

function message(type: string, fields: readonly string[]): Buffer {
  const body = Buffer.from(`${fields.join('\0')}\0`)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(body.length + 4)
  return Buffer.concat([Buffer.from(type), length, body])
}

/** @param url The database to whose only session all clients are led. @param shared What it is lent for. */
export async function startSessionSharer(
  url: string,
  shared: 'transaction' | 'statement',
): Promise<SocketServer & { url: string }> {
  const owner = new pg.Client({ connectionString: url })
  owner.on('error', () => undefined)
  await owner.connect()
  const session = (owner as unknown as Inside).connection.stream
  session.removeAllListeners('data')
  let turn = Promise.resolve()
  let holder: { socket: Socket; done(): void } | undefined

  session.on('data', (bytes: Buffer) => {
    holder?.socket.write(bytes)
    if (!bytes.subarray(-idle.length).equals(idle)) return
    holder?.done()
    holder = undefined
  })

  /** Waits for the session, unless this client has it, within its transaction. */
  async function lend(socket: Socket): Promise<void> {
    if (holder?.socket === socket) return
    const before = turn
    const { promise, resolve } = Promise.withResolvers<void>()
    turn = promise
    await before
    holder = { socket, done: resolve }
  }

  const server = await startSocketServer(socket => {
    let isWelcome = false
    let sent = Promise.resolve()
    socket.on('data', (bytes: Buffer) => {
      if (!isWelcome) {
        isWelcome = true
        socket.write(Buffer.concat([welcome, idle]))
        return
      }
      // Terminate ends the client's connection only.
      if (bytes[0] === 0x58) return socket.end()
      if (shared === 'statement' && /^Q....begin\0/s.test(bytes.toString('latin1'))) {
        sent = sent.then(() => void socket.write(Buffer.concat([refusedBegin, idle])))
        return
      }
      sent = sent.then(() => lend(socket)).then(() => void session.write(bytes))
    })
  })
  const at = new URL(url)
  at.host = `127.0.0.1:${server.port}`
  const stop = async () => {
    await server.stop()
    session.destroy()
  }
  return { port: server.port, sockets: server.sockets, url: at.href, stop }
}

/** Records, inside the server, how long a socket's write had been blocked when it was closed. For few sockets. */
import type { Server } from 'node:http'
import type { Socket } from 'node:net'

export interface BlockedClose {
  /** Milliseconds since its first blocked write; up to 20 ms too many, which is the polling interval. */
  blocked_ms: number
  /** Epoch ms. */
  at: number
}

const lookEveryMs = 20

/** The list grows with each socket that is closed while blocked. The time restarts when a socket drains. */
export function watchBlocked(server: Server): BlockedClose[] {
  const closes: BlockedClose[] = []
  const since = new Map<Socket, number | undefined>()
  server.on('connection', (socket: Socket) => {
    since.set(socket, undefined)
    socket.on('drain', () => since.set(socket, undefined))
    socket.once('close', () => {
      const from = since.get(socket)
      since.delete(socket)
      if (from !== undefined) closes.push({ blocked_ms: performance.now() - from + lookEveryMs, at: Date.now() })
    })
  })
  const look = () => {
    for (const [socket, from] of since) {
      if (from === undefined && socket.writableNeedDrain) since.set(socket, performance.now())
    }
  }
  setInterval(look, lookEveryMs).unref()
  return closes
}

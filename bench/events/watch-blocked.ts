/** Notes, from inside the server, how long a socket had a write that waited when it was closed. For few sockets. */
import type { Server } from 'node:http'
import type { Socket } from 'node:net'

export interface BlockedClose {
  /** Since its first write that waited; up to 20 ms more, since that is how often it is looked. */
  blocked_ms: number
  /** Epoch ms. */
  at: number
}

const lookEveryMs = 20

/** The list grows with each socket that is closed while it waits. One that drains in between starts over. */
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

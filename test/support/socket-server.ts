/** A server on a free port of this machine that handles each client as the test says, for servers that misbehave. */
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'

export interface SocketServer {
  readonly port: number
  /** Clients that are connected now. */
  readonly sockets: ReadonlySet<Socket>
  stop(): Promise<void>
}

export async function startSocketServer(onConnection: (socket: Socket) => void): Promise<SocketServer> {
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket)).on('error', () => undefined)
    onConnection(socket)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return {
    port: address.port,
    sockets,
    stop: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

/** Repeats the words until the client disconnects. */
export function drip(socket: Socket, words: string, everyMs: number): void {
  const timer = setInterval(() => socket.write(words), everyMs)
  socket.on('close', () => clearInterval(timer))
}

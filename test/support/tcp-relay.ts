/** A relay between a client and a local server that can rewrite what they send, and go silent like a dead network. */
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

export interface TcpRelay {
  readonly port: number
  /** Drops everything silently from now on. */
  silence(): void
  /**
   * Lets new connections through again. Those that lost data end: bytes in the middle of a connection are never lost
   * alone.
   */
  resume(): void
  /** Closes the clients' sides only; the server does not notice. */
  cutClients(): void
  stop(): Promise<void>
}

type Change = (data: string) => string
type Hold = (data: string) => Promise<void> | undefined

const unchanged: Change = data => data

/**
 * @param changes Rewrites data as latin1, as read from the wire. While a promise of `holds` is pending, that data and
 * all later data of the client is held back.
 * @param port A free one unless given.
 */
export async function startRelay(
  to: number,
  changes: { toServer?: Change; toClient?: Change; holds?: Hold } = {},
  port = 0,
): Promise<TcpRelay> {
  const sockets = new Set<Socket>()
  const clients = new Set<Socket>()
  /** Connections that lost data. */
  const torn = new Set<Socket>()
  let isSilent = false
  const pass = (from: Socket, into: Socket, change: Change, holds?: Hold) => {
    sockets.add(from)
    from.on('data', async data => {
      const text = data.toString('latin1')
      const held = holds?.(text)
      if (held) {
        from.pause()
        await held
        from.resume()
      }
      if (isSilent) torn.add(from).add(into)
      else into.write(Buffer.from(change(text), 'latin1'))
    })
    from.on('close', () => {
      sockets.delete(from)
      if (!isSilent) into.destroy()
      else torn.add(into)
    })
    from.on('error', () => undefined)
  }
  const server = createServer(client => {
    const upstream = connect(to, '127.0.0.1')
    clients.add(client)
    pass(client, upstream, changes.toServer ?? unchanged, changes.holds)
    pass(upstream, client, changes.toClient ?? unchanged)
  }).listen(port, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return {
    port: address.port,
    resume: () => {
      isSilent = false
      for (const socket of torn) socket.destroy()
      torn.clear()
    },
    silence: () => {
      isSilent = true
    },
    cutClients: () => {
      for (const client of clients) client.removeAllListeners('close').destroy()
      clients.clear()
    },
    stop: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

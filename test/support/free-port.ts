/**
 * Ports of 127.0.0.1 that nobody listens on. All are held until the last is known, so they differ. The system gives none of them to a connection of
 * somebody else: what is stopped and started again on its port would else find it taken now and then.
 */
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'

const lowest = 15_000

export async function freePorts(count: number): Promise<number[]> {
  const servers: Server[] = []
  for (let left = count; left > 0; left--) servers.push(await listenSomewhere())
  const ports = servers.map(server => {
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('no port')
    return address.port
  })
  await Promise.all(servers.map(server => new Promise(resolve => server.close(resolve))))
  return ports
}

export async function freePort(): Promise<number> {
  const [port] = await freePorts(1)
  if (port === undefined) throw new Error('no port')
  return port
}

async function listenSomewhere(): Promise<Server> {
  const first = firstOfConnections()
  for (let attempt = 0; first > lowest && attempt < 100; attempt++) {
    const server = createServer().listen(randomInt(lowest, first), '127.0.0.1')
    // Rejects where somebody has it.
    if (
      await once(server, 'listening').then(
        () => true,
        () => false,
      )
    )
      return server
  }
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

/** From which on the system chooses by itself; 0 where it does not say. */
function firstOfConnections(): number {
  try {
    return Number.parseInt(readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8'), 10)
  } catch {
    return 0
  }
}

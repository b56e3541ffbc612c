/**
 * Finds free ports of 127.0.0.1. All are held until the last is known, so they differ. They lie below the ephemeral
 * range, so the system never gives one to an outgoing connection and a server can be restarted on its port.
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
    // Rejects if the port is in use.
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

/** Returns the first ephemeral port; 0 if the system does not report it. */
function firstOfConnections(): number {
  try {
    return Number.parseInt(readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8'), 10)
  } catch {
    return 0
  }
}

/** A started event hub behind a real HTTP server, for tests of what its readers see. */

import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { expect, onTestFinished } from 'vitest'
import type { Fact } from '../../contract/event.ts'
import type { StreamObserver } from '../../server/events/event-stream.ts'
import { parseFilter } from '../../server/events/event-view.ts'
import type { Database } from '../../server/platform/database/database.ts'
import type { Principal } from '../../server/platform/principal.ts'
import { administrator } from './administrator.ts'
import { startHub } from './event-hub.ts'
import { openStream } from './open-stream.ts'

export const admin = administrator()

/** Starts a hub behind a real HTTP server; `as` sets the principal of the next stream, initially an administrator. */
export async function hubOnHttp(options: Parameters<typeof startHub>[1] = {}, database?: Database) {
  const { hub, log, db } = await startHub(database, options)
  const observed = { sent: 0, dropped: 0, closed: 0 }
  let principal = admin
  /** Called with the server's end of each new stream once it is subscribed, and after facts or states were written. */
  const heard = { opened: (_socket: Socket): void => undefined, sent: (): void => undefined }
  const observer = (): StreamObserver => ({
    clientId: 'c1',
    sent: count => {
      observed.sent += count
      heard.sent()
    },
    dropped: count => {
      observed.dropped += count
    },
    closed: () => {
      observed.closed += 1
    },
  })
  const server = createServer((request, response) => {
    const url = new URL(request.url!, 'http://x')
    const accounts = url.searchParams.getAll('account_id')
    const filter = parseFilter({
      types: url.searchParams.get('types') ?? undefined,
      account_id: accounts.length > 0 ? accounts : undefined,
    })
    const socket = response.socket!
    response.detachSocket(socket)
    socket.write('HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n')
    const lastEventId = request.headers['last-event-id'] as string | undefined
    hub.subscribe({ principal, filter, socket, observer: observer(), lastEventId })
    heard.opened(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const open = (query = '', lastEventId?: string) =>
    openStream(`http://127.0.0.1:${port}/${query}`, lastEventId === undefined ? {} : { 'last-event-id': lastEventId })
  const as = (who: Principal) => {
    principal = who
  }
  /** Publishes facts and waits until the log has them. */
  const publish = async (...facts: Fact[]) => {
    const newest = log.newest + facts.length
    for (const fact of facts) hub.publish(fact)
    await expect.poll(() => log.newest, { interval: 1 }).toBe(newest)
  }
  return { hub, log, db, open, port, observed, as, heard, publish }
}

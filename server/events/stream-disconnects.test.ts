/** Clients that disconnect before or while their stream opens leave nothing behind, on each way to a stream. */
import { once } from 'node:events'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { api } from '../../contract/index.ts'
import { startHub } from '../../test/support/event-hub.ts'
import { admin } from '../../test/support/hub-on-http.ts'
import { createHttpServer } from '../platform/http/http-setup.ts'
import { createLogger } from '../platform/logger.ts'
import { eventRoutes } from './event-routes.ts'

const path = api.events.streamEvents.path
/** An ordinary request, which is answered in front of Node's server, and one that Node's server answers. */
const requests = {
  'in front': `GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer admin\r\n\r\n`,
  behind: `GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer admin\r\nTE: trailers\r\n\r\n`,
}

async function door(shown?: () => Promise<void>) {
  const { hub } = await startHub()
  const observed = { opened: 0, closed: 0 }
  const http = createHttpServer({
    logger: createLogger('silent'),
    authenticate: ({ token }) => (token === 'admin' ? admin : undefined),
    observe: () => undefined,
    origins: { publicUrl: undefined, allowed: [], isHttps: false },
    trustedProxies: [],
    ...(shown && { shown }),
  })
  const openObserver = () => {
    observed.opened++
    return { clientId: 'c1', sent: () => undefined, dropped: () => undefined, closed: () => void observed.closed++ }
  }
  eventRoutes(http, { hub, openObserver })
  await http.fastify.listen({ host: '127.0.0.1', port: 0 })
  const { port } = http.fastify.server.address() as AddressInfo
  onTestFinished(async () => {
    http.front.stop()
    http.fastify.server.closeAllConnections()
    await http.fastify.close()
  })
  /** Returns our end of the connection and the server's. */
  const ask = async (words: string) => {
    const accepted = once(http.fastify.server, 'connection') as Promise<[Socket]>
    const socket = connect(port, '127.0.0.1')
    onTestFinished(() => void socket.destroy())
    socket.on('error', () => undefined)
    await once(socket, 'connect')
    socket.write(words)
    const [own] = await accepted
    return { socket, own }
  }
  return { hub, observed, ask }
}

test.each(Object.entries(requests))('a client that sends nothing more, %s, has left', async (_way, words) => {
  const { hub, observed, ask } = await door()
  const { socket } = await ask(words)
  await once(socket, 'data')
  expect(hub.streamCount).toBe(1)
  socket.end()
  await expect.poll(() => hub.streamCount).toBe(0)
  expect(observed).toEqual({ opened: 1, closed: 1 })
})

test('a client that disconnects while it is noted what it is shown opens no stream', async () => {
  const noted = Promise.withResolvers<void>()
  const noting = Promise.withResolvers<void>()
  const { hub, observed, ask } = await door(() => {
    noting.resolve()
    return noted.promise
  })
  const { socket, own } = await ask(requests.behind)
  await noting.promise
  const closed = new Promise(resolve => own.once('close', resolve))
  socket.resetAndDestroy()
  await closed
  noted.resolve()
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
  expect([hub.streamCount, observed.opened - observed.closed]).toEqual([0, 0])
})

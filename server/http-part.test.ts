/** A stop of the door: an answer under way reaches a reader that is slow, as far as the bound goes. */
import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import os from 'node:os'
import { expect, onTestFinished, test, vi } from 'vitest'
import { api } from '../contract/index.ts'
import { headOf } from '../test/support/raw-http.ts'
import { httpPart } from './http-part.ts'
import { handleRaw } from './platform/http/http-raw.ts'
import { handle } from './platform/http/http-server.ts'
import { createHttpServer } from './platform/http/http-setup.ts'
import { createLogger } from './platform/logger.ts'

const stopBoundMs = 9_000
/** More than the kernel takes for a reader that reads nothing. */
const bytes = 16 * 1024 * 1024

const others = { hub: { closeStreams: () => undefined }, pool: { drain: () => undefined } }

function door() {
  return createHttpServer({
    logger: createLogger('silent'),
    authenticate: () => undefined,
    observe: () => undefined,
    origins: { publicUrl: undefined, allowed: [], isHttps: false },
    trustedProxies: [],
  })
}

async function stopping() {
  const http = door()
  handleRaw(http, { path: '/large' }, { name: 'large', scope: 'public', effect: 'read' }, async (_call, reply) =>
    reply.send(Buffer.alloc(bytes, 'x')),
  )
  const part = httpPart(http, others, { host: '127.0.0.1', port: 0, stopBoundMs })
  await part.start?.()
  const socket = connect((http.fastify.server.address() as AddressInfo).port, '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  let received = 0
  socket
    .on('error', () => undefined)
    .on('data', chunk => {
      received += chunk.length
    })
  const closed = new Promise<void>(resolve => void socket.once('close', () => resolve()))
  socket.write(headOf('GET', '/large', {}))
  // From here on it reads nothing, until it is told to.
  await once(socket, 'data')
  socket.pause()
  /** All that comes, once it reads again. */
  const readOn = async () => {
    socket.resume()
    await closed
    return received
  }
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  http.isDraining = true
  let isStopped = false
  const stopped = Promise.resolve(part.stop?.()).then(() => {
    isStopped = true
  })
  return { readOn, stopped, isStopped: () => isStopped }
}

test('a reader that is slow gets all of its answer within the bound, and then the stop is over', async () => {
  const { readOn, stopped, isStopped } = await stopping()
  await vi.advanceTimersByTimeAsync(7_000)
  expect(isStopped()).toBe(false)
  expect(await readOn()).toBeGreaterThan(bytes)
  await stopped
})

test('a reader that takes nothing is cut before the bound', async () => {
  const { readOn, stopped } = await stopping()
  await vi.advanceTimersByTimeAsync(stopBoundMs - 1_000)
  await stopped
  expect(await readOn()).toBeLessThan(bytes)
})

test('a request of which half a body has come is answered that we stop, and keeps the door open for a moment alone', async () => {
  const http = door()
  handle(http, api.access.openSession, () => Promise.reject(new Error('it is not whole')))
  const part = httpPart(http, others, { host: '127.0.0.1', port: 0, stopBoundMs })
  await part.start?.()
  const socket = connect((http.fastify.server.address() as AddressInfo).port, '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  const closed = once(socket, 'close')
  let said = ''
  socket.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  const head = headOf('POST', api.access.openSession.path, {
    'content-type': 'application/json',
    'content-length': '1000',
  })
  const asked = once(http.fastify.server, 'request')
  socket.write(`${head}{"a`)
  await asked
  await new Promise(setImmediate)
  http.isDraining = true
  await part.stop?.()
  await closed
  expect(said).toContain('"code":"draining"')
})

test('it listens at all addresses of the machine, also where a sandbox does not tell which ones there are', async () => {
  const { networkInterfaces } = os
  onTestFinished(() => {
    os.networkInterfaces = networkInterfaces
  })
  os.networkInterfaces = () => {
    throw new Error('uv_interface_addresses returned Unknown system error 97')
  }
  const http = door()
  const part = httpPart(http, others, { host: '0.0.0.0', port: 0, stopBoundMs })
  await part.start?.()
  const { port } = http.fastify.server.address() as AddressInfo
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  socket.destroy()
  await part.stop?.()
})

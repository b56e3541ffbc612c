/** HTTP/2: who asks and takes back without end is cut, and who takes back now and then is not. */
import { readFileSync } from 'node:fs'
import { type ClientHttp2Session, constants } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { api } from '../../../contract/index.ts'
import { openSession, selfSigned } from '../../../test/support/tls.ts'
import { createLogger } from '../logger.ts'
import { handle } from './http-server.ts'
import { createHttpServer } from './http-setup.ts'

async function door() {
  const { certFile, keyFile } = selfSigned()
  const tls = { cert: readFileSync(certFile), key: readFileSync(keyFile) }
  const http = createHttpServer({
    logger: createLogger('silent'),
    authenticate: () => undefined,
    observe: () => undefined,
    origins: { publicUrl: undefined, allowed: [], isHttps: true },
    trustedProxies: [],
    tls,
  })
  const answered = { count: 0 }
  // It responds only after all callers have disconnected.
  handle(http, api.system.live, () => {
    answered.count++
    return new Promise<never>(() => undefined)
  })
  await http.fastify.listen({ host: '127.0.0.1', port: 0 })
  onTestFinished(async () => {
    http.tlsConnections?.cut()
    await http.fastify.close()
  })
  const { port } = http.fastify.server.address() as AddressInfo
  return { answered, open: () => openSession(`https://127.0.0.1:${port}`, tls.cert, {}) }
}

/** Sends requests, and cancels them once the server works on them. */
async function takeBack(session: ClientHttp2Session, count: number, isAtIt: () => Promise<void>): Promise<void> {
  const asked = Array.from({ length: count }, () => {
    const stream = session.request({ ':path': api.system.live.path })
    stream.on('error', () => undefined)
    return stream
  })
  await isAtIt()
  for (const stream of asked) stream.close(constants.NGHTTP2_CANCEL)
  await Promise.all(asked.map(stream => stream.destroyed || new Promise(resolve => void stream.once('close', resolve))))
}

test('a connection on which requests are taken back without end is cut, and others are not', async () => {
  const { answered, open } = await door()
  const [flooding, other] = [await open(), await open()]
  // Node's `once` would reject with an error that comes first.
  const gone = new Promise(resolve => void flooding.once('goaway', resolve))
  const closed = new Promise(resolve => void flooding.once('close', resolve))
  let total = 0
  const until = (count: number) => async () => {
    total += count
    await expect.poll(() => answered.count >= total || flooding.destroyed).toBe(true)
  }
  await takeBack(other, 50, until(50))
  for (let turn = 0; turn < 40 && !flooding.closed && !flooding.destroyed; turn++)
    await takeBack(flooding, 100, until(100))
  expect(await gone).toBe(constants.NGHTTP2_ENHANCE_YOUR_CALM)
  await closed
  expect(answered.count).toBeLessThan(2_000)
  expect(other.closed).toBe(false)
})

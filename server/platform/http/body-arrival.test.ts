/** A file that keeps coming may take its time; one that does not, and every other body that is late, is cut. */

import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { expect, onTestFinished, test, vi } from 'vitest'
import { api } from '../../../contract/index.ts'
import { listenHere } from '../../../test/support/listen-here.ts'
import { headOf, openRaw } from '../../../test/support/raw-http.ts'
import { openSession, selfSigned } from '../../../test/support/tls.ts'
import { createLogger } from '../logger.ts'
import { everyScope, type Principal } from '../principal.ts'
import { paced, type UploadPace } from './body-arrival.ts'
import { handleRaw } from './http-raw.ts'
import { handle } from './http-server.ts'
import { createHttpServer } from './http-setup.ts'
import type { TlsFiles } from './http-tls.ts'
import { handleUpload } from './http-upload.ts'

const admin: Principal = { id: 'a', name: 'A', kind: 'api_key', userId: null, scopes: everyScope, accounts: 'all' }
const proof = { authorization: 'Bearer admin' }

async function door(uploadPace: UploadPace, tls?: TlsFiles) {
  const http = createHttpServer({
    logger: createLogger('silent'),
    authenticate: ({ token }) => (token === 'admin' ? admin : undefined),
    observe: () => undefined,
    origins: { publicUrl: undefined, allowed: [], isHttps: tls !== undefined },
    trustedProxies: [],
    tls,
    timeouts: { requestTimeout: 100, headersTimeout: 60_000, connectionsCheckingInterval: 20 },
    uploadPace,
  })
  const read: number[] = []
  const ended = Promise.withResolvers<unknown>()
  const answered = Promise.withResolvers<void>()
  handleRaw(http, { path: '/slow' }, { name: 'slow', scope: 'signed_in', effect: 'read' }, async (_call, reply) => {
    await answered.promise
    return reply.send('at last')
  })
  handle(http, api.accounts.createAccount, () => Promise.reject(new Error('far enough')))
  handleUpload(
    http,
    { path: '/upload' },
    { name: 'upload', scope: 'signed_in', effect: 'write' },
    1_000,
    async (_call, { bytes }) => {
      try {
        for await (const piece of bytes) read.push(piece.length)
      } catch (error) {
        ended.resolve(error)
        throw error
      }
      return { status: 201, answer: { read } }
    },
  )
  const port = await listenHere(http)
  return {
    read,
    ended: ended.promise,
    answer: answered.resolve,
    port,
    url: `http://127.0.0.1:${port}`,
  }
}

/** Ends when an ordinary body that begins now is cut for taking too long. */
async function untilLate(url: string): Promise<void> {
  const json = { ...proof, 'content-type': 'application/json', 'content-length': 9 }
  const connection = await openRaw(url, `${headOf('POST', api.accounts.createAccount.path, json)}{"a`)
  expect((await connection.ended()).text).toMatch(/^HTTP\/1\.1 408 /)
}

test('an upload may take longer than every other body', async () => {
  const { read, url } = await door({ graceMs: 60_000, bytesPerSecond: 1 })
  const answered = Promise.withResolvers<number>()
  const upload = request(`${url}/upload`, { method: 'POST', headers: { ...proof, 'content-type': 'text/plain' } })
  upload.on('response', response => answered.resolve(response.resume().statusCode!))
  for (const size of [1, 2, 3]) {
    upload.write(Buffer.alloc(size))
    await expect.poll(() => read.length).toBe(size)
    await untilLate(url)
  }
  upload.end()
  expect(await answered.promise).toBe(201)
  expect(read).toEqual([1, 2, 3])
})

test.each([
  ['in chunks, without the last one', { 'transfer-encoding': 'chunked' }, '1\r\n{\r\n'],
  ['in chunks, of which none came', { 'transfer-encoding': 'chunked' }, ''],
  ['that was asked for', { 'content-length': 9, expect: '100-continue' }, ''],
])('a body %s is cut as any other', async (_name, headers, bytes) => {
  const { url } = await door({ graceMs: 60_000, bytesPerSecond: 1 })
  const json = { ...proof, 'content-type': 'application/json', ...headers }
  const connection = await openRaw(url, `${headOf('POST', api.accounts.createAccount.path, json)}${bytes}`)
  expect((await connection.ended()).text).toMatch(/^HTTP\/1\.1 408 /m)
})

test('an upload that stops is cut, and its sender is told', async () => {
  const { ended, url } = await door({ graceMs: 200, bytesPerSecond: 1_000_000 })
  const connection = await openRaw(url, `${headOf('POST', '/upload', { ...proof, 'content-length': 9 })}x`)
  const { text, isEnded } = await connection.ended()
  expect(text).toMatch(/^HTTP\/1\.1 408 /)
  expect(text).toContain('"code":"request_timeout"')
  expect(text.toLowerCase()).toContain('connection: close')
  expect(isEnded).toBe(true)
  expect(await ended).toMatchObject({ code: 'request_timeout' })
})

test('over HTTP/2, where Node bounds none, an ordinary body is cut; an upload goes on, and so does a request without a body', async () => {
  const { certFile, keyFile } = selfSigned()
  const [cert, key] = [readFileSync(certFile), readFileSync(keyFile)]
  const { read, port, answer } = await door({ graceMs: 60_000, bytesPerSecond: 1 }, { cert, key })
  const session = await openSession(`https://127.0.0.1:${port}`, cert, {})
  const waiting = session.request({ ...proof, ':path': '/slow' })
  const post = { ':method': 'POST', 'content-type': 'application/json', ...proof }
  const upload = session.request({ ...post, ':path': '/upload' })
  upload.write('x')
  await expect.poll(() => read).toEqual([1])
  const late = session.request({ ...post, ':path': api.accounts.createAccount.path })
  late.on('error', () => undefined)
  late.write('{')
  await once(late, 'close')
  expect(late.rstCode).toBe(8)
  // It arrived earlier, and so would have been cut earlier.
  answer()
  const [answered] = await Promise.race([once(waiting, 'response'), once(waiting, 'close')])
  expect(answered?.[':status']).toBe(200)
  upload.end('yz')
  const [head] = await once(upload, 'response')
  expect([head[':status'], read]).toEqual([201, [1, 2]])
})

test.each([
  ['one that drips', 1, 900, 1],
  ['one that is a little too slow', 700, 100, 73],
  ['one that is just fast enough', 810, 100, 100],
  ['one that waits once, and makes up for it', 90_000, 990, 100],
])('of its grace, %s', async (_name, size, everyMs, pieces) => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  let ends = 0
  const source: AsyncIterator<Uint8Array> = {
    next: () =>
      new Promise(resolve => setTimeout(() => resolve({ done: false, value: new Uint8Array(size) }), everyMs)),
    return: async () => {
      ends++
      return { done: true, value: undefined }
    },
  }
  let count = 0
  let problem: unknown
  const reading = (async () => {
    for await (const piece of paced(source, { graceMs: 1_000, bytesPerSecond: 8_000 })) {
      expect(piece).toHaveLength(size)
      if (++count === 100) return
    }
  })().catch(error => {
    problem = error
  })
  await vi.advanceTimersByTimeAsync(200_000)
  await reading
  expect([count, ends]).toEqual([pieces, 1])
  if (pieces === 100) expect(problem).toBeUndefined()
  else expect(problem).toMatchObject({ code: 'request_timeout' })
})

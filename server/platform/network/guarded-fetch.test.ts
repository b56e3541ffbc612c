/** What is fetched or posted is bounded, ends with the signal of its caller, and is not led to another server. */
import { getEventListeners, once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, onTestFinished, test } from 'vitest'
import { boundedAnswer, GuardedFetch, type GuardedFetchOptions } from './guarded-fetch.ts'

/** As happens automatically on a server that has been running for a while. */
function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
}

/** Serves any host name on this machine. */
async function serve(listener: RequestListener, options: Partial<GuardedFetchOptions> = {}) {
  const server = createServer(listener).listen(0, '127.0.0.1')
  let connections = 0
  server.on('connection', () => connections++)
  onTestFinished(() => void server.close().closeAllConnections())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const guarded = new GuardedFetch({
    guard: { check: async () => [{ address: '127.0.0.1', family: 4 }] },
    ...options,
  })
  onTestFinished(() => guarded.stop())
  const url = (path: string, host = 'one.example') => new URL(`http://${host}:${port}${path}`)
  const post = (path: string, { signal = new AbortController().signal, maxBytes = 1_000 } = {}) =>
    guarded.post(url(path), { headers: {}, body: 'x', maxBytes, signal })
  return { guarded, url, post, connections: () => connections }
}

test('an answer that does not end is cut when its caller is no longer interested, also long after it began', async () => {
  const { guarded, url } = await serve((_request, response) => void response.writeHead(200).write('a beginning'))
  const caller = new AbortController()
  const pieces = (async () => {
    const { body } = await guarded.fetch(url('/'), { signal: caller.signal })
    const reader = body!.getReader()
    await reader.read()
    return reader
  })()
  const reader = await pieces
  const next = reader.read().catch((error: unknown) => error)
  for (let times = 0; times < 3; times++) {
    await new Promise(setImmediate)
    collectGarbage()
  }
  caller.abort(new Error('not interested any more'))
  expect(await next).toMatchObject({ message: 'not interested any more' })
})

test('redirects are followed three times within a server, and never to another one, however allowed that is', async () => {
  const asked: string[] = []
  const { guarded, url } = await serve(({ url: path = '' }, response) => {
    asked.push(path)
    const [, left] = /^\/again\/(\d)$/.exec(path) ?? []
    const near = Number(left) > 0 ? `/again/${Number(left) - 1}` : undefined
    const to = path === '/elsewhere' ? url('/secret', 'two.example').href : near
    response.writeHead(to === undefined ? 200 : 302, to === undefined ? {} : { location: to }).end()
  })
  expect((await guarded.fetch(url('/again/3'))).status).toBe(200)
  for (const path of ['/again/4', '/elsewhere']) {
    await expect(guarded.fetch(url(path)), path).rejects.toMatchObject({ code: 'address_refused' })
  }
  const strict = guarded.fetch(url('/again/1'), { redirect: 'error' })
  await expect(strict).rejects.toMatchObject({ code: 'address_refused' })
  expect((await guarded.fetch(url('/elsewhere'), { redirect: 'manual' })).status).toBe(302)
  expect(asked).not.toContain('/secret')
})

test('a redirect whose own answer does not end does not hold its connection', async () => {
  const endless: RequestListener = ({ url: path }, response) => {
    if (path === '/there') return void response.end('there')
    response.writeHead(302, { location: '/there' }).write('an endless explanation')
  }
  const { guarded, url } = await serve(endless, { perOrigin: 1 })
  expect(await (await guarded.fetch(url('/'))).text()).toBe('there')
})

test('a POST whose caller is gone before its turn is not sent, nor connected', async () => {
  const asked: (string | undefined)[] = []
  const first = Promise.withResolvers<() => void>()
  const { post, connections } = await serve(
    (request, response) => {
      asked.push(request.url)
      if (request.url === '/first') first.resolve(() => response.end())
      else response.end()
    },
    { perOrigin: 1 },
  )
  const gone = AbortSignal.abort(new Error('gone'))
  await expect(post('/never', { signal: gone })).rejects.toThrow('gone')
  expect(connections()).toBe(0)
  const running = post('/first')
  const finish = await first.promise
  const caller = new AbortController()
  const waiting = post('/second', { signal: caller.signal })
  caller.abort(new Error('gone as well'))
  await expect(waiting).rejects.toThrow('gone as well')
  finish()
  await running
  await post('/third')
  expect(asked).toEqual(['/first', '/third'])
})

test('of an answer that is too long the beginning is returned, and its connection is cut; no listener stays behind', async () => {
  const closed = Promise.withResolvers<void>()
  const { post } = await serve((_request, response) => {
    response.on('close', () => closed.resolve())
    response.write('a'.repeat(700))
    response.write('b'.repeat(700))
  })
  const { signal } = new AbortController()
  const { text, isPrivate } = await post('/', { signal })
  await closed.promise
  expect(text).toBe('a'.repeat(700) + 'b'.repeat(300))
  expect(isPrivate).toBe(true)
  expect(getEventListeners(signal, 'abort')).toEqual([])
})

test('a bounded answer is cut at its bound, and not read on', async () => {
  let pulled = 0
  const endless = new ReadableStream({
    pull: controller => {
      pulled++
      controller.enqueue(new Uint8Array(10))
    },
  })
  const { byteLength } = await boundedAnswer(new Response(endless), 25).arrayBuffer()
  expect(byteLength).toBe(25)
  expect(pulled).toBeLessThan(10)
})

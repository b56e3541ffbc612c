/**
 * The event iterator over connections that end in every way, played by a stand-in; test/journeys has the real server.
 */
import { expect, onTestFinished, test, vi } from 'vitest'
import { createClient, type EventOptions } from './index.ts'

const welcome = (heartbeat = 15) =>
  `retry: 3000\n\nevent: welcome\ndata: {"client_id":"c","epoch":"e","server_time":"t","resumed":false,"replayed":0,"heartbeat_seconds":${heartbeat}}\n\n`
const fact = (number: number) => `id: e-${number}\nevent: server_started\ndata: {"version":"${number}","at":"t"}\n\n`
const goodbye = (ms: number) => `event: goodbye\ndata: {"reason":"max_age","reconnect_in_ms":${ms}}\n\n`

/** Builds one response that streams its pieces and then ends, is reset, or goes silent. */
function stream(pieces: string[], end: 'end' | 'reset' | 'silence' = 'end') {
  return (signal: AbortSignal | null | undefined) => {
    const left = pieces.map(piece => new TextEncoder().encode(piece))
    const body = new ReadableStream<Uint8Array>(
      {
        start: controller => signal?.addEventListener('abort', () => controller.error(signal.reason)),
        pull: controller => {
          const piece = left.shift()
          if (piece) return controller.enqueue(piece)
          if (end === 'end') return controller.close()
          if (end === 'reset') return controller.error(new TypeError('terminated'))
          return new Promise<void>(() => undefined)
        },
      },
      { highWaterMark: 0 },
    )
    return new Response(body, { headers: { 'content-type': 'text/event-stream; charset=utf-8' } })
  }
}

const problem =
  (status: number, headers: Record<string, string> = {}) =>
  () =>
    new Response(JSON.stringify({ type: '/problems/x', title: 'x', status, detail: 'No.', instance: 'r', code: 'x' }), {
      status,
      headers: { 'content-type': 'application/problem+json', ...headers },
    })

/** Creates a client whose waits resolve immediately and are recorded; its watchdog timers never fire. */
function world(...answers: ((signal: AbortSignal | null | undefined) => Response)[]) {
  const [waits, watchdogs, resumedFrom]: [number[], number[], (string | null)[]] = [[], [], []]
  const timer = setTimeout
  vi.stubGlobal('setTimeout', (run: () => void, ms: number) => {
    // Watchdog timeouts are a multiple of three heartbeats.
    if (ms >= 45_000) {
      watchdogs.push(ms)
      return timer(() => undefined, 0)
    }
    waits.push(ms)
    return timer(run, 0)
  })
  vi.spyOn(Math, 'random').mockReturnValue(0.5)
  onTestFinished(() => void vi.unstubAllGlobals())
  const own: typeof fetch = async (_url, init) => {
    resumedFrom.push(new Headers(init?.headers).get('last-event-id'))
    const answer = answers.shift()
    if (!answer) throw new TypeError('fetch failed')
    return answer(init?.signal)
  }
  const client = createClient({ url: 'http://mail.example.com', token: 't', fetch: own })
  /** Reads events until `count` facts have arrived, and returns their versions. */
  const take = async (count: number, options: EventOptions = {}) => {
    const taken: string[] = []
    for await (const event of client.events(options)) {
      if (event.type === 'server_started') taken.push(event.data.version)
      if (taken.length === count) break
    }
    return taken
  }
  return { client, take, waits, watchdogs, resumedFrom }
}

test('it resumes after the last event that was processed, however the connection ended', async () => {
  const { take, resumedFrom, waits } = world(
    stream([welcome(), fact(1), `${fact(2)}id: e-5\n\n`]),
    stream([welcome(), fact(6) + fact(7)], 'reset'),
    stream([welcome() + fact(8).slice(0, 20)]),
    stream([welcome(), fact(8)]),
  )
  expect(await take(5)).toEqual(['1', '2', '6', '7', '8'])
  expect(resumedFrom).toEqual([null, 'e-5', 'e-7', 'e-7'])
  // Each wait is half a second, because a welcome in between resets the back-off.
  expect(waits).toEqual([500, 500, 500])
})

test('what comes in one piece is not done with before the loop asks for the next', async () => {
  const { client, resumedFrom } = world(stream([welcome() + fact(1) + fact(2)], 'silence'), stream([welcome()]))
  const events = client.events()
  for (const id of ['', 'e-1', 'e-2']) expect((await events.next()).value).toMatchObject({ id })
  await events.return()
  const again = client.events({ lastEventId: 'e-1' })
  await again.next()
  await again.return()
  expect(resumedFrom).toEqual([null, 'e-1'])
})

test('it waits as long as the goodbye says, or the retry before a goodbye that was cut off, or Retry-After', async () => {
  const { take, waits } = world(
    stream([welcome(), goodbye(1234)]),
    stream([welcome(), `retry: 2345\n\n${goodbye(2345).slice(0, 10)}`]),
    problem(429, { 'retry-after': '30' }),
    problem(503, { 'retry-after': '5' }),
    stream([welcome(), fact(1)]),
  )
  expect(await take(1)).toEqual(['1'])
  expect(waits).toEqual([1234, 2345, 30_000, 5_000])
})

test('without a word it waits longer each time, up to half of 15 s here, until a welcome comes', async () => {
  const page = () => new Response('<h1>Back soon</h1>', { headers: { 'content-type': 'text/html' } })
  const lost = [problem(500), page, problem(502), stream([]), stream([], 'reset'), problem(500)]
  const { take, waits } = world(...lost, stream([welcome()]), stream([welcome(), fact(1)]))
  expect(await take(1)).toEqual(['1'])
  expect(waits).toEqual([500, 1000, 2000, 4000, 7500, 7500, 500])
})

test.each([400, 401, 403, 404])('%i is thrown', async status => {
  const { take, resumedFrom } = world(problem(status))
  await expect(take(1)).rejects.toMatchObject({ status, code: 'x' })
  expect(resumedFrom).toHaveLength(1)
})

test('three heartbeats without a byte end the connection; the server says how long one is', async () => {
  const { watchdogs, client } = world(stream([welcome(20)], 'silence'))
  const events = client.events()
  await events.next()
  const next = events.next()
  await expect.poll(() => watchdogs).toEqual([45_000, 45_000, 60_000])
  void next.catch(() => undefined)
})

test('a dead connection is replaced', async () => {
  const { take, resumedFrom } = world(stream([welcome(0.001), fact(1)], 'silence'), stream([welcome(), fact(2)]))
  expect(await take(2)).toEqual(['1', '2'])
  expect(resumedFrom).toEqual([null, 'e-1'])
})

test('a gap is an event; heartbeats and goodbyes are not', async () => {
  const gap = 'event: gap\ndata: {"reason":"expired","oldest_id":null,"newest_id":null}\n\n'
  const beat = ': ping\n\nevent: heartbeat\ndata: {"server_time":"t"}\n\n'
  const { client } = world(stream([welcome() + gap + beat + goodbye(0)]), stream([welcome(), fact(1)]))
  const types: string[] = []
  for await (const { type } of client.events()) {
    types.push(type)
    if (type === 'server_started') break
  }
  expect(types).toEqual(['welcome', 'gap', 'welcome', 'server_started'])
})

test('an abort ends it with its reason: while it listens, waits, and before it began', async () => {
  for (const answers of [[stream([welcome()], 'silence')], [stream([welcome(), goodbye(44_000)])]]) {
    const { client } = world(...answers)
    const leaving = new AbortController()
    const events = client.events({ signal: leaving.signal })
    await events.next()
    const next = events.next()
    leaving.abort(new Error('left'))
    await expect(next).rejects.toThrow('left')
    await expect(client.events({ signal: leaving.signal }).next()).rejects.toThrow('left')
  }
})

test('no more is read than is processed', async () => {
  let pulled = 0
  const endless = () =>
    new Response(
      new ReadableStream<Uint8Array>(
        { pull: controller => controller.enqueue(new TextEncoder().encode(pulled++ === 0 ? welcome() : fact(pulled))) },
        { highWaterMark: 0 },
      ),
      { headers: { 'content-type': 'text/event-stream' } },
    )
  const { client } = world(endless)
  const events = client.events()
  for (let count = 1; count <= 5; count++) {
    await events.next()
    expect(pulled).toBe(count)
  }
  await events.return()
  expect(pulled).toBe(5)
})

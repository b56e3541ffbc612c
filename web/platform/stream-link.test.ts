/** The stream link against a real server that misbehaves in every way that networks do. */
/// <reference types="node" />
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { retryAfterMs } from './stream-answer.ts'
import { type LinkTiming, linkTiming, StreamLink } from './stream-link.ts'
import type { StreamEvent, StreamStatus } from './stream-status.ts'

type Answer = (response: ServerResponse, request: IncomingMessage) => void

const quick: LinkTiming = {
  backoffMs: [10, 20, 40],
  healthyMs: 200,
  connectMs: 60_000,
  heartbeatsUntilSilent: 2.5,
  longestWaitMs: 2_000,
  lateMs: 10,
  answerMs: 30,
}

/** A short connect timeout for silent servers; on a busy machine it may also cut off one that would respond. */
const hasty: LinkTiming = { ...quick, connectMs: 250 }

function welcome(change: object = {}): string {
  const data = {
    client_id: 'c1',
    epoch: 'e',
    server_time: new Date().toISOString(),
    resumed: false,
    replayed: 0,
    heartbeat_seconds: 60,
    ...change,
  }
  return `retry: 3000\nevent: welcome\ndata: ${JSON.stringify(data)}\n\n`
}

const live: Answer = response => {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' })
  response.write(welcome())
}

/** Starts a server that gives each response once and then repeats the last, and a link to it. */
async function setUp(answers: Answer[], timing = quick, isOnline = true, isServerThere = async () => true) {
  const requests: IncomingMessage[] = []
  const server = createServer((request, response) => {
    requests.push(request)
    const answer = answers[Math.min(requests.length, answers.length) - 1]
    answer?.(response, request)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const statuses: StreamStatus[] = []
  const events: StreamEvent[] = []
  const waits: number[] = []
  const link = new StreamLink({
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/events`,
    fetch: (url, init) => fetch(url, init),
    isOnline: () => isOnline,
    isServerThere,
    onStatus: status => {
      statuses.push(status)
      if (status.nextAttemptAt !== null) waits.push(status.nextAttemptAt - Date.now())
    },
    onEvent: event => events.push(event),
    timing,
    random: () => 0.5,
  })
  onTestFinished(async () => {
    link.stop()
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  })
  link.start()
  return { link, requests, statuses, events, waits }
}

test.each<[string, Answer]>([
  ['a 502 with HTML', response => response.writeHead(502, { 'content-type': 'text/html' }).end('<h1>Bad gateway</h1>')],
  ['a 503', response => response.writeHead(503).end()],
  ['a 204', response => response.writeHead(204).end()],
  [
    'a 200 with HTML',
    response => response.writeHead(200, { 'content-type': 'text/html' }).end('<p>Sign in to the wifi</p>'),
  ],
  ['a cut connection', response => response.destroy()],
  [
    'an event that is no JSON',
    response => response.writeHead(200, { 'content-type': 'text/event-stream' }).end('event: welcome\ndata: {\n\n'),
  ],
  ['a server that never answers', () => undefined],
  [
    'a stream that never says welcome',
    response => response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders(),
  ],
])('comes back by itself after %s', async (_, answer) => {
  const { link, statuses } = await setUp([answer, answer, live], hasty)
  await expect.poll(() => link.status.state).toBe('live')
  expect(link.status).toMatchObject({ attempt: 0, reason: null, troubleSince: null })
  expect(statuses.some(({ state, reason }) => state === 'reconnecting' && reason !== null)).toBe(true)
  expect(Math.max(...statuses.map(({ attempt }) => attempt))).toBeGreaterThanOrEqual(2)
})

test('after a break it sends the id of the last fact, also of one that had no data', async () => {
  const first: Answer = response => {
    live(response, undefined as never)
    response.write('id: e-7\nevent: mail_received\ndata: {"account_id":"a"}\n\n')
    response.end('id: e-9\n\nid: e-10\ndata: cut')
  }
  const { link, requests, events } = await setUp([first, live])
  await expect.poll(() => requests.length).toBe(2)
  expect(requests[0]!.headers['last-event-id']).toBeUndefined()
  expect(requests[1]!.headers['last-event-id']).toBe('e-9')
  await expect.poll(() => link.status.state).toBe('live')
  expect(events.map(({ id, event }) => [id, event.type])).toEqual([
    [null, 'welcome'],
    ['e-7', 'mail_received'],
    [null, 'welcome'],
  ])
})

test('says what was caught up when it is back', async () => {
  const back: Answer = response => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(welcome({ resumed: true, replayed: 14 }))
  }
  const { link } = await setUp([response => response.destroy(), back])
  await expect.poll(() => link.status.lastReturn?.replayed).toBe(14)
  expect(link.status.lastReturn?.isGap).toBe(false)
})

test('a 401 ends the trying and says signed out', async () => {
  const { link, requests } = await setUp([response => response.writeHead(401).end()])
  await expect.poll(() => link.status.state).toBe('signed_out')
  expect(requests).toHaveLength(1)
  link.start()
  await expect.poll(() => requests.length).toBe(2)
})

test('a server that falls silent is noticed after 2.5 heartbeats and shown as stale', async () => {
  const silent: Answer = response => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(welcome({ heartbeat_seconds: 0.06 }))
  }
  const { link, statuses } = await setUp([silent, () => undefined, live], hasty)
  await expect.poll(() => statuses.some(({ state }) => state === 'stale')).toBe(true)
  const heardAt = statuses.find(({ state }) => state === 'live')!.liveSince!
  const stale = statuses.find(({ state }) => state === 'stale')!
  // The page delays its report of trouble, so trouble counts from when the server was last heard.
  const staleAt = stale.endings.at(-1)!.at
  expect(stale.troubleSince! - heardAt).toBeLessThan(staleAt - heardAt)
  expect(staleAt - heardAt).toBeGreaterThanOrEqual(145)
  await expect.poll(() => link.status.state).toBe('live')
})

test.each([
  ['is shown as stale as soon as it does not answer a question', false],
  ['stays live as long as it answers questions', true],
])('a server whose heartbeat is late %s', async (_, isThere) => {
  const late: Answer = response => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(welcome({ heartbeat_seconds: 0.06 }))
    setTimeout(() => response.write(': at last\n'), 150)
  }
  let asked = 0
  const answer = async () => {
    asked += 1
    return isThere
  }
  const { statuses } = await setUp([late], { ...quick, heartbeatsUntilSilent: 1_000 }, true, answer)
  await expect.poll(() => asked).toBeGreaterThan(1)
  expect(statuses.some(({ state }) => state === 'stale')).toBe(!isThere)
})

test('a server that is frozen is told within 20 s, where heartbeats come every 15', () => {
  expect(15_000 + linkTiming.lateMs + linkTiming.answerMs).toBeLessThan(20_000)
})

test('comments alone keep it live', async () => {
  const pinging: Answer = response => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(welcome({ heartbeat_seconds: 0.4 }))
    const timer = setInterval(() => response.write(': ping\n'), 30)
    response.on('close', () => clearInterval(timer))
  }
  const { link, statuses } = await setUp([pinging])
  await expect.poll(() => link.status.liveSince !== null && Date.now() - link.status.liveSince > 1_500).toBe(true)
  expect(statuses.map(({ state }) => state)).not.toContain('stale')
})

test('without a network it says offline, and still comes back when the server can be reached', async () => {
  const { link, statuses } = await setUp([response => response.destroy(), live], quick, false)
  await expect.poll(() => link.status.state).toBe('live')
  expect(statuses.map(({ state }) => state)).toContain('offline')
})

test('goodbye tells when to come back, and is obeyed', async () => {
  const leaving: Answer = response => {
    live(response, undefined as never)
    response.end('event: goodbye\ndata: {"reason":"shutdown","reconnect_in_ms":300}\n\n')
  }
  const { requests, statuses } = await setUp([leaving, live])
  const left = () => statuses.find(({ nextAttemptAt }) => nextAttemptAt !== null)
  await expect.poll(left).toMatchObject({ attempt: 1, reason: 'The server is restarting' })
  const { nextAttemptAt, endings } = left()!
  expect(nextAttemptAt! - endings[0]!.at).toBeGreaterThanOrEqual(300)
  await expect.poll(() => requests.length).toBe(2)
  // A timer may fire early by less than a millisecond.
  expect(Date.now()).toBeGreaterThanOrEqual(nextAttemptAt! - 1)
})

test('Retry-After is obeyed, as seconds and as a date, and "retry now" ends the wait', async () => {
  const busy: Answer = response => response.writeHead(503, { 'retry-after': '600' }).end()
  const { link, requests } = await setUp([busy, live], { ...quick, longestWaitMs: 60_000 })
  await expect.poll(() => link.status.attempt).toBe(1)
  // The delay is bounded, whatever the server asks for.
  const { nextAttemptAt, endings } = link.status
  expect(nextAttemptAt! - endings[0]!.at).toBeGreaterThanOrEqual(60_000)
  expect(nextAttemptAt! - endings[0]!.at).toBeLessThan(600_000)
  expect(requests).toHaveLength(1)
  link.retryNow()
  await expect.poll(() => link.status.state).toBe('live')
  const now = Date.parse('2026-11-22T18:00:00Z')
  expect(retryAfterMs('Sun, 22 Nov 2026 18:00:30 GMT', now)).toBe(30_000)
  expect(retryAfterMs('soon', now)).toBeUndefined()
})

test('the wait grows to its ceiling, with jitter under it', async () => {
  expect(linkTiming.backoffMs).toEqual([1_000, 2_000, 4_000, 8_000, 15_000])
  const { link, waits } = await setUp([response => response.destroy()], {
    ...quick,
    backoffMs: [40_000, 80_000, 160_000],
  })
  // random() is 0.5 here, so each wait is half its ceiling. Between the two readings a busy machine may lose a second.
  for (const [index, wanted] of [20_000, 40_000, 80_000, 80_000].entries()) {
    await expect.poll(() => waits.length).toBeGreaterThan(index)
    expect(Math.round(waits[index]! / 10_000) * 10_000).toBe(wanted)
    link.retryNow()
  }
})

test('a link that was healthy for a while resets the back-off, a short one does not', async () => {
  const brief: Answer = (response, request) => {
    live(response, request)
    response.end()
  }
  // The healthy time is a setting, so that no machine is too slow or too fast for the test.
  const short = await setUp([brief, brief, brief, live], { ...quick, healthyMs: 60_000 })
  await expect.poll(() => Math.max(...short.statuses.map(({ attempt }) => attempt))).toBe(3)
  const healthy = await setUp([brief, brief, live], { ...quick, healthyMs: 0 })
  await expect.poll(() => healthy.requests.length).toBe(3)
  expect(Math.max(...healthy.statuses.map(({ attempt }) => attempt))).toBe(1)
})

test('remembers how links ended, and tells a goodbye from a cut', async () => {
  const goodbye: Answer = response => {
    live(response, undefined as never)
    response.end('event: goodbye\ndata: {"reason":"max_age","reconnect_in_ms":0}\n\n')
  }
  const cut: Answer = response => {
    live(response, undefined as never)
    setTimeout(() => response.destroy(), 200)
  }
  const { link } = await setUp([goodbye, cut, response => response.writeHead(502).end(), live])
  await expect.poll(() => link.status.endings.length).toBe(3)
  await expect.poll(() => link.status.state).toBe('live')
  const [first, second, third] = link.status.endings
  expect([first!.kind, second!.kind, third!.kind]).toEqual(['goodbye', 'lost', 'refused'])
  expect(second!.livedMs).toBeGreaterThanOrEqual(50)
  expect(second!.quietMs).toBeGreaterThanOrEqual(50)
  expect(third!.livedMs).toBeNull()
})

test('a link that follows another begins behind its last event', async () => {
  const requests: IncomingMessage[] = []
  const server = createServer((request, response) => {
    requests.push(request)
    live(response, request)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const link = new StreamLink({
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/events`,
    fetch: (url, init) => fetch(url, init),
    isOnline: () => true,
    isServerThere: async () => true,
    onStatus: () => undefined,
    onEvent: () => undefined,
    lastEventId: 'e-7',
  })
  onTestFinished(async () => {
    link.stop()
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  })
  link.start()
  await expect.poll(() => requests[0]?.headers['last-event-id']).toBe('e-7')
})

test('a clock that differs from the server is noticed', async () => {
  const ahead: Answer = response => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(welcome({ server_time: new Date(Date.now() + 3_600_000).toISOString() }))
  }
  const { link } = await setUp([ahead])
  await expect.poll(() => Math.round(link.status.clockOffsetMs / 60_000)).toBe(60)
})

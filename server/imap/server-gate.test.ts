/** A mail server that is down: one probe at a time for all its accounts, and how they recover. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createLogger } from '../platform/logger.ts'
import { Problem } from '../platform/problem.ts'
import type { ConnectOptions } from './mail-gateway.ts'
import { gateTimes, ServerGate } from './server-gate.ts'

const place = { host: 'mail.example.com', port: 993, tls: 'implicit' } as const
const never = new AbortController().signal
const refused = new Problem('mail_server_unreachable', 'Nothing answers.', { fault: 'refused', part: 'imap' })
const slow = new Problem('mail_server_timeout', 'Too slow.', { fault: 'timeout', part: 'imap' })

/** Milliseconds until the server greets; undefined refuses immediately. */
let greetsAfterMs: number | undefined
/** How it refuses. */
let why: Problem
let looks: { now: number; most: number; all: number }
let down: number
let doubts: number
let gate: ServerGate

beforeEach(() => {
  vi.useFakeTimers()
  greetsAfterMs = 1
  why = refused
  looks = { now: 0, most: 0, all: 0 }
  down = 0
  doubts = 0
  gate = new ServerGate(place, {
    gateway: { probe },
    logger: createLogger('silent'),
    timeoutMs: () => 30_000,
    onDown: () => {
      down++
    },
    onDoubt: () => {
      doubts++
    },
  })
})
afterEach(() => {
  gate.stop()
  vi.useRealTimers()
})

async function probe(_place: unknown, { timeoutMs, signal }: ConnectOptions): Promise<void> {
  looks.all++
  looks.most = Math.max(looks.most, ++looks.now)
  try {
    if (greetsAfterMs === undefined) throw why
    await until(Math.min(timeoutMs, greetsAfterMs), signal)
    if (greetsAfterMs === undefined || greetsAfterMs > timeoutMs) throw slow
  } finally {
    looks.now--
  }
}

async function until(ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, ms)
  signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  await promise.finally(() => clearTimeout(timer))
}

const hang = async (signal: AbortSignal) => {
  await until(2 ** 31 - 1, signal)
  return ended
}
const fail = (problem: Problem) => async () => {
  throw problem
}
/** A connection that has ended, and one that is open. */
const ended = { closed: Promise.resolve() }
const standing = { closed: Promise.withResolvers<void>().promise }
const settle = () => vi.advanceTimersByTimeAsync(10)

test('a login that fails while the server greets is a matter of its account', async () => {
  await Promise.all([expect(gate.login(fail(slow), never)).rejects.toBe(slow), vi.advanceTimersByTimeAsync(10)])
  expect(gate.outage).toBeUndefined()
  expect(down).toBe(0)
  const login = new Problem('mail_login_refused', 'Wrong.', { fault: 'login' })
  await expect(gate.login(fail(login), never)).rejects.toBe(login)
  expect(looks.all).toBe(1)
})

test('an unreachable server is reported to all its accounts, probed in one place, and all log in within 5 s when it is back', async () => {
  greetsAfterMs = undefined
  const accounts = 200
  const ready = new Set<number>()
  const logins = { all: 0, now: 0, most: 0 }
  const connect = async (signal: AbortSignal) => {
    logins.all++
    logins.most = Math.max(logins.most, ++logins.now)
    try {
      if (greetsAfterMs === undefined) throw refused
      await until(50, signal)
      return ended
    } finally {
      logins.now--
    }
  }
  const account = async (number: number) => {
    while (!ready.has(number)) {
      const isIn = await gate.login(connect, never).then(
        () => true,
        () => false,
      )
      if (isIn) ready.add(number)
      else await gate.untilBack(60_000, never)
    }
  }
  const all = Promise.all(Array.from({ length: accounts }, (_, number) => account(number)))
  await settle()
  expect(down).toBe(1)
  expect(gate.outage).toMatchObject({ code: 'mail_server_unreachable', extension: { retryAfterSeconds: 5 } })
  const before = logins.all
  expect(before).toBeLessThanOrEqual(8)
  await vi.advanceTimersByTimeAsync(60_000)
  // One quick probe a second, beside the patient ones.
  expect(looks.most).toBeLessThanOrEqual(2)
  expect(looks.all).toBeLessThanOrEqual(125)
  expect(logins.all).toBe(before)
  await expect(gate.login(connect, never)).rejects.toMatchObject({ extension: { fault: 'refused' } })
  greetsAfterMs = 1
  await vi.advanceTimersByTimeAsync(5_000)
  expect(ready.size).toBe(accounts)
  await all
  expect(logins.most).toBeLessThanOrEqual(8)
  expect(gate.outage).toBeUndefined()
})

test('a login that hangs on a frozen server ends when that is found out, and is tried when it answers', async () => {
  greetsAfterMs = 2 ** 31 - 1
  const hanging = gate.login(hang, never).catch(error => error)
  void gate.suspect()
  await vi.advanceTimersByTimeAsync(gateTimes.probeMs)
  expect(await hanging).toMatchObject({ code: 'mail_server_timeout', extension: { fault: 'timeout' } })
  const back = gate.untilBack(1_000, never)
  await vi.advanceTimersByTimeAsync(57_000)
  expect(gate.outage).toBeDefined()
  greetsAfterMs = 1
  await vi.advanceTimersByTimeAsync(gateTimes.probeMs + gateTimes.everyMs + 1)
  await back
  expect(await gate.login(async () => ended, never)).toBe(ended)
})

test('a server that takes long to greet is found by the patient look', async () => {
  greetsAfterMs = 10_000
  void gate.suspect()
  await vi.advanceTimersByTimeAsync(gateTimes.probeMs)
  expect(gate.outage).toBeDefined()
  const back = gate.untilBack(1, never)
  await vi.advanceTimersByTimeAsync(11_001)
  await back
  expect(gate.outage).toBeUndefined()
})

test('a server without waiting requests is not probed, and the next login finds out whether it is back', async () => {
  greetsAfterMs = undefined
  await Promise.all([gate.suspect(), settle()])
  const leaving = new AbortController()
  const waiting = gate.untilBack(60_000, leaving.signal)
  await vi.advanceTimersByTimeAsync(3_000)
  const { all } = looks
  expect(all).toBeGreaterThan(2)
  leaving.abort()
  await waiting
  await vi.advanceTimersByTimeAsync(60_000)
  expect(looks.all).toBe(all)
  expect(gate.outage).toBeUndefined()
  expect(gate.isIdle).toBe(true)
  expect(await gate.login(async () => ended, never)).toBe(ended)
})

test('asked for by a person, a server that is away is tried at once', async () => {
  greetsAfterMs = undefined
  await Promise.all([gate.suspect(), settle()])
  const back = gate.untilBack(60_000, never)
  gate.reset()
  await back
  expect(gate.outage).toBeUndefined()
  await expect(gate.login(fail(refused), never)).rejects.toBe(refused)
  expect(gate.outage).toBeDefined()
})

test('an account that waits is tried when another one on its server got in', async () => {
  await Promise.all([gate.login(fail(slow), never).catch(() => undefined), settle()])
  let isBack = false
  const waiting = gate.untilBack(60_000, never).then(() => {
    isBack = true
  })
  await settle()
  expect(isBack).toBe(false)
  await gate.login(async () => ended, never)
  await waiting
})

test('an account that alone fails again and again is not tried at each login of another one', async () => {
  let tries = 0
  const over = new AbortController()
  const failing = async () => {
    while (!over.signal.aborted) {
      tries++
      await gate.login(fail(slow), never).catch(() => undefined)
      await gate.untilBack(60_000, over.signal)
    }
  }
  const running = failing()
  for (let second = 0; second < 60; second++) {
    await vi.advanceTimersByTimeAsync(1_000)
    await gate.login(async () => ended, never)
  }
  expect(tries).toBeGreaterThan(1)
  expect(tries).toBeLessThanOrEqual(4)
  over.abort()
  await running
})

test('a refused connection is no reason to try another account again', async () => {
  const limit = new Problem('mail_server_refused', 'Too many.', { fault: 'limit' })
  await expect(gate.login(fail(limit), never)).rejects.toBe(limit)
  let isBack = false
  const leaving = new AbortController()
  const waiting = gate.untilBack(60_000, leaving.signal).then(() => {
    isBack = true
  })
  await gate.login(async () => ended, never)
  await settle()
  expect(isBack).toBe(false)
  leaving.abort()
  await waiting
})

test('past eight logins at once the next one waits for its turn, and leaves when it is not wanted any more', async () => {
  const turns = Array.from({ length: 8 }, () => Promise.withResolvers<typeof ended>())
  const under = turns.map(({ promise }) => gate.login(() => promise, never))
  const leaving = new AbortController()
  let began = 0
  const next = async () => {
    began++
    return ended
  }
  const left = gate.login(next, leaving.signal).catch(error => error.name)
  const ninth = gate.login(next, never)
  await settle()
  expect(began).toBe(0)
  leaving.abort()
  expect(await left).toBe('AbortError')
  turns[0]!.resolve(ended)
  await ninth
  expect(began).toBe(1)
  for (const { resolve } of turns) resolve(ended)
  await Promise.all(under)
  expect(gate.isIdle).toBe(true)
})

const closed = new Problem('mail_server_unreachable', 'It closed the connection.', { fault: 'closed', part: 'imap' })
const tlsFault = (code: string) =>
  new Problem('mail_server_tls', 'No secure connection.', {
    fault: 'tls',
    part: 'imap',
    cause: Object.assign(new Error(code), { code }),
  })
const halfTls = tlsFault('ECONNRESET')

test.each([closed, halfTls])(
  'a server that ends new connections before a word, while others stand, is full and not away ($extension.fault)',
  async silent => {
    greetsAfterMs = undefined
    why = silent
    const { promise, resolve } = Promise.withResolvers<void>()
    await gate.login(async () => standing, never)
    await gate.login(async () => ({ closed: promise }), never)
    const full = { code: 'mail_server_refused', extension: { fault: 'limit', part: 'imap' } }
    await expect(gate.login(fail(silent), never)).rejects.toMatchObject(full)
    expect([gate.outage, down, gate.isIdle]).toEqual([undefined, 0, false])
    resolve()
    await promise
    await expect(gate.login(fail(silent), never)).rejects.toMatchObject(full)
  },
)

test('a server that ends new connections before a word is away once none stands any more', async () => {
  greetsAfterMs = undefined
  why = closed
  await gate.login(async () => ended, never)
  await expect(gate.login(fail(closed), never)).rejects.toBe(closed)
  expect([gate.outage?.extension.fault, down]).toEqual(['closed', 1])
})

test('a server that seems full has what stands checked, at most every 30 s, and is away as soon as all of it has ended', async () => {
  greetsAfterMs = undefined
  why = closed
  const { promise, resolve } = Promise.withResolvers<void>()
  await gate.login(async () => ({ closed: promise }), never)
  const refusedOnce = () =>
    expect(gate.login(fail(closed), never)).rejects.toMatchObject({ code: 'mail_server_refused' })
  await refusedOnce()
  await refusedOnce()
  expect(doubts).toBe(1)
  await vi.advanceTimersByTimeAsync(30_000)
  await refusedOnce()
  expect([doubts, gate.outage]).toEqual([2, undefined])
  // No login has to find out.
  resolve()
  await settle()
  expect([gate.outage?.extension.fault, down]).toEqual(['closed', 1])
})

test('connections that end after a login that succeeded are no reason to look', async () => {
  const { promise, resolve } = Promise.withResolvers<void>()
  await gate.login(async () => ({ closed: promise }), never)
  const seen = looks.all
  resolve()
  await settle()
  expect([looks.all, doubts]).toEqual([seen, 0])
})

test('a server that refuses connections is away, whatever still stands', async () => {
  greetsAfterMs = undefined
  await gate.login(async () => standing, never)
  await expect(gate.login(fail(closed), never)).rejects.toBe(closed)
  expect([gate.outage?.extension.fault, down]).toEqual(['refused', 1])
})

test('a login whose connection ended is a matter of its account where the server greets, also while others stand', async () => {
  await gate.login(async () => standing, never)
  const login = expect(gate.login(fail(closed), never)).rejects.toBe(closed)
  await settle()
  await login
  expect(gate.outage).toBeUndefined()
})

test.each(['CERT_HAS_EXPIRED', 'ERR_TLS_CERT_ALTNAME_INVALID', 'ERR_SSL_NO_PROTOCOLS_AVAILABLE'])(
  'what is wrong with TLS (%s) is told as that, also while connections stand that began before',
  async code => {
    greetsAfterMs = undefined
    why = tlsFault(code)
    await gate.login(async () => standing, never)
    await expect(gate.login(fail(why), never)).rejects.toBe(why)
    expect(await gate.judged(why)).toBe(why)
    expect(gate.outage).toBeUndefined()
  },
)

test('a trial beside the gate that the server ended is no limit where the server greets', async () => {
  await gate.login(async () => standing, never)
  const judged = gate.judged(closed)
  await settle()
  expect(await judged).toBe(closed)
  greetsAfterMs = undefined
  why = closed
  expect(await gate.judged(closed)).toMatchObject({ extension: { fault: 'limit' } })
  expect(gate.outage).toBeUndefined()
})

test('logins that wait for their turn are rejected by the stop', async () => {
  const connect = vi.fn(hang)
  const ends = new AbortController()
  const logins = Array.from({ length: 9 }, () => gate.login(connect, ends.signal).catch((error: unknown) => error))
  gate.stop()
  expect(await logins.at(-1)).toMatchObject({ code: 'draining' })
  expect(connect).toHaveBeenCalledTimes(8)
  ends.abort()
  await Promise.all(logins)
})

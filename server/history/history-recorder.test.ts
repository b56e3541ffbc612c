/** What is recorded of requests, samples and gauges, and that a minute is stored once, also at a stop. */
import { expect, onTestFinished, test, vi } from 'vitest'
import type { RequestOutcome } from '../platform/http/http-outcome.ts'
import { createLogger } from '../platform/logger.ts'
import { anonymous, type Caller, type Principal, scopeSet } from '../platform/principal.ts'
import { HistoryRecorder, maxSeries, type ReadGauges } from './history-recorder.ts'
import { keyOf } from './series.ts'

const midnight = Date.parse('2026-03-01T00:00:00Z')
const token: Principal = { ...anonymous, id: 'token-1', kind: 'token', scopes: scopeSet([]) }

function world(readGauges: ReadGauges = () => undefined) {
  const clock = { now: midnight }
  const kept: number[] = []
  let gate: Promise<void> | undefined
  const keepMinute = vi.fn(async ({ start }: { start: number }) => {
    await gate
    kept.push(start - midnight / 1000)
  })
  const maintain = vi.fn(async () => undefined)
  const logger = createLogger('silent')
  const recorder = new HistoryRecorder({
    ...{ readGauges, logger, now: () => clock.now },
    maintenance: { keepMinute, maintain },
  })
  /** Returns what lets minutes be stored again. */
  const hold = () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    gate = promise
    return resolve
  }
  /** The points of the current minute by series, each with its place. */
  const points = () => Object.fromEntries(recorder.recent.at(-1)!.points)
  return { recorder, clock, kept, keepMinute, maintain, logger, hold, points }
}

function outcome(change: Partial<RequestOutcome>): RequestOutcome {
  const caller: Caller = { principal: token, address: '127.0.0.1', userAgent: '' }
  return {
    ...{ operation: 'mail.listFolders', effect: 'read', method: 'GET', status: 200, code: 'ok', durationMs: 7, caller },
    ...{ address: '127.0.0.1', userAgent: '', isCounted: true, requestId: 'r', refs: {}, input: undefined },
    ...{ hasCredentials: true, ...change },
  }
}

test('requests that count are recorded, with the calls of known callers, and tools by their own names', () => {
  const { recorder, points } = world()
  recorder.record(outcome({}))
  recorder.record(outcome({ isCounted: false, durationMs: 1_000 }))
  recorder.record(
    outcome({ caller: { principal: anonymous, address: '', userAgent: '' }, status: 401, code: 'unauthorized' }),
  )
  recorder.record(outcome({ caller: undefined }))
  recorder.record(outcome({ method: 'CALL', operation: 'tool.mail_search', isCounted: false }), undefined, {
    tokens: 5,
  })
  recorder.sample()
  const sums = Object.entries(points()).map(([key, [placed]]) => [key, placed?.[1].sum])
  const call = { principal: 'token-1', outcome: 'ok', caller: 'program' }
  expect(Object.fromEntries(sums)).toEqual({
    [keyOf('up', {})]: 1,
    [keyOf('requests', {})]: 3,
    [keyOf('response_time', {})]: 21,
    [keyOf('operation_time', { operation: 'mail.listFolders' })]: 21,
    [keyOf('operation_time', { operation: 'tool.mail_search' })]: 7,
    [keyOf('errors', { code: 'unauthorized' })]: 1,
    [keyOf('calls', { ...call, tool: '' })]: 1,
    [keyOf('calls', { ...call, tool: 'mail_search' })]: 1,
    [keyOf('tokens', { principal: 'token-1', tool: 'mail_search' })]: 5,
  })
})

test('two samples of one step are one point, also when the clock was set back, and a gauge without a value is none', () => {
  let cpu = 10
  const { recorder, clock, points } = world(set => {
    set('system_cpu', cpu)
    set('process_memory', Number.NaN)
  })
  const placesOf = () => points()[keyOf('system_cpu', {})]?.map(([place, { count, sum }]) => [place, count, sum])
  recorder.sample()
  cpu = 20
  clock.now += 1_000
  recorder.sample()
  clock.now += 5_000
  recorder.sample()
  clock.now -= 4_000
  recorder.sample()
  expect(placesOf()).toEqual([
    [0, 2, 30],
    [1, 2, 40],
  ])
  expect(Object.keys(points())).toEqual([keyOf('system_cpu', {}), keyOf('up', {})])
})

test('a minute is stored once, and a stop stores the last one behind it, without maintenance', async () => {
  const { recorder, clock, kept, keepMinute, maintain, hold } = world()
  const release = hold()
  recorder.sample()
  clock.now += 60_000
  recorder.sample()
  clock.now += 60_000
  recorder.sample()
  const stopped = recorder.stop()
  await new Promise(setImmediate)
  expect(keepMinute).toHaveBeenCalledTimes(1)
  release()
  await stopped
  expect(kept).toEqual([0, 60, 120])
  const { length } = maintain.mock.calls
  recorder.sample()
  await recorder.stop()
  expect([kept, maintain.mock.calls.length]).toEqual([[0, 60, 120, 120], length])
})

test('after a stop nothing is sampled any more', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  onTestFinished(() => void vi.useRealTimers())
  const read = vi.fn()
  const { recorder } = world(read)
  recorder.start()
  vi.advanceTimersByTime(10_000)
  expect(read).toHaveBeenCalledTimes(3)
  await recorder.stop()
  vi.advanceTimersByTime(60_000)
  expect([read.mock.calls.length, vi.getTimerCount()]).toEqual([3, 0])
})

test('what is dropped for want of room is said once an hour', () => {
  const { recorder, clock, logger } = world()
  const warned = vi.spyOn(logger, 'warn')
  const flood = () => {
    for (let account = 0; account < maxSeries + 2; account++)
      recorder.count('mail_received', { account_id: `${account}` })
  }
  flood()
  expect(warned.mock.calls).toEqual([[{ series: maxSeries }, 'too many series: the history drops further ones']])
  clock.now += 59 * 60_000
  flood()
  expect(warned).toHaveBeenCalledTimes(1)
  clock.now += 60_000
  flood()
  expect(warned).toHaveBeenCalledTimes(2)
})

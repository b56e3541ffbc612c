/** Spans with a collector on a real socket: sampling, errors, parents, and collectors that hang, fail or are down. */
import { expect, onTestFinished, test, vi } from 'vitest'
import { type CollectorAnswer, OtlpCollector, startCollector } from '../../../test/support/otlp-collector.ts'
import { patience } from '../../../test/support/patience.ts'
import { tracerTo } from '../../../test/support/traced.ts'
import { Problem } from '../problem.ts'
import type { MetricReading } from './metric-reading.ts'
import type { Tracer } from './tracer.ts'

const remote = (flags: string) => ({
  traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-${flags}`,
  tracestate: 'k=v',
})
const lostOf = ({ figures }: Tracer) => Object.values(figures.lost).reduce((sum, count) => sum + count, 0)
const settled = (tracer: Tracer, count: number) =>
  vi.waitFor(() => expect(tracer.figures.exported + lostOf(tracer)).toBe(count), patience)

test.each(['http/protobuf', 'http/json'] as const)(
  'work within work is told as such, with its errors, over %s',
  async protocol => {
    const collector = await startCollector()
    const tracer = await tracerTo(collector, { protocol, resource: { 'host.name': 'here' } })
    const failing = tracer.trace(
      'outer',
      { kind: 'consumer', attributes: { count: 3, is: true, none: undefined } },
      async () => {
        await tracer.trace('first', { kind: 'client' }, async () => 1)
        await tracer.trace('second', {}, async () => {
          throw new Problem('mail_server_timeout', 'words that nobody is told', { fault: 'timeout' })
        })
      },
    )
    await expect(failing).rejects.toThrow('words that nobody')
    const outer = await collector.until('outer')
    expect(collector.tree(outer)).toEqual(['outer', '  first', '  second'])
    expect(outer).toMatchObject({ kind: 5, parentId: '', status: 2, statusMessage: '' })
    expect(outer.attributes).toEqual({ count: 3, is: true, 'error.type': 'timeout' })
    expect(collector.find('first')).toMatchObject({ kind: 3, status: 0 })
    expect(collector.resource).toMatchObject({
      'service.name': 'rustymail',
      'service.version': '1.2.3',
      'host.name': 'here',
    })
    expect(collector.text).not.toContain('words that nobody')
    expect(collector.requests[0]!.headers['content-type']).toBe(
      protocol === 'http/json' ? 'application/json' : 'application/x-protobuf',
    )
    await settled(tracer, 3)
    expect(tracer.figures).toMatchObject({ exported: 3, waiting: 0 })
  },
)

test('a trace of another goes on, and what was begun in work that is over is no part of it', async () => {
  const collector = await startCollector()
  const tracer = await tracerTo(collector)
  let later: () => void = () => undefined
  await tracer.trace('work', { parent: remote('01') }, async span => {
    expect(span?.carrier()).toMatchObject({ tracestate: 'k=v' })
    expect(span?.carrier().traceparent).toMatch(/^00-a{32}-(?!b{16})[0-9a-f]{16}-01$/)
    tracer.remember('message')
    const { promise, resolve } = Promise.withResolvers<void>()
    later = resolve
    void promise.then(() => tracer.trace('later', {}, async () => undefined))
  })
  later()
  await tracer.trace('resumed', { parent: tracer.recall('message') }, async () => undefined)
  const work = await collector.until('work', span => span.parentId === 'b'.repeat(16))
  expect(await collector.until('resumed')).toMatchObject({ traceId: work.traceId, parentId: work.spanId })
  const alone = await collector.until('later')
  expect(alone.parentId).toBe('')
  expect(alone.traceId).not.toBe(work.traceId)
  expect(tracer.recall('another')).toBeUndefined()
  for (let index = 0; index <= 1_000; index++)
    await tracer.trace('many', { parent: remote('00') }, async () => tracer.remember(`${index}`))
  expect([tracer.recall('0'), tracer.recall('1000')]).toEqual([undefined, expect.anything()])
})

test('what is not sampled is not told, and says so to others', async () => {
  const collector = await startCollector()
  const off = await tracerTo(collector, { sampler: 'always_off' })
  const byParent = await tracerTo(collector, { sampler: 'parentbased_traceidratio', ratio: 0 })
  const half = await tracerTo(collector, { sampler: 'traceidratio', ratio: 0.5 })
  await off.trace('off', {}, async span => expect(span?.carrier().traceparent).toMatch(/-00$/))
  await byParent.trace('root', {}, async () => undefined)
  await byParent.trace('asked', { parent: remote('01') }, async () => undefined)
  for (let index = 0; index < 200; index++) await half.trace('half', {}, async () => undefined)
  await off.stop()
  await half.stop()
  await collector.until('asked')
  const count = collector.spans.filter(({ name }) => name === 'half').length
  expect(count).toBeGreaterThan(50)
  expect(count).toBeLessThan(150)
  expect(collector.spans.filter(({ name }) => name === 'off' || name === 'root')).toEqual([])
})

const status =
  (code: number, headers: Record<string, string> = {}): CollectorAnswer =>
  response =>
    void response.writeHead(code, headers).end('no')

test('a collector that is busy is asked again, and one that refuses is not', async () => {
  const collector = await startCollector()
  const tracer = await tracerTo(collector)
  collector.always = response => {
    collector.always = undefined
    status(503, { 'retry-after': '0' })(response)
  }
  await tracer.trace('again', {}, async () => undefined)
  await collector.until('again')
  expect(collector.requests).toHaveLength(2)
  collector.always = status(400)
  await tracer.trace('refused', {}, async () => undefined)
  await settled(tracer, 2)
  expect(tracer.figures.lost).toEqual({ queue_full: 0, failed: 0, refused: 1 })
  // Redirects are not followed: they lead to another server than the operator configured.
  collector.always = status(307, { location: `${collector.url}/v1/traces` })
  await tracer.trace('elsewhere', {}, async () => undefined)
  await settled(tracer, 3)
  expect(collector.requests).toHaveLength(4)
  collector.always = undefined
  await tracer.trace('at last', {}, async () => undefined)
  await collector.until('at last')
})

test('of an answer of 10 MB only the beginning is read', async () => {
  const collector = await startCollector()
  const tracer = await tracerTo(collector)
  let isCut = false
  collector.always = response => {
    response.once('close', () => {
      isCut = !response.writableFinished
    })
    response.writeHead(200).end(Buffer.alloc(10_000_000))
  }
  await tracer.trace('work', {}, async () => undefined)
  await settled(tracer, 1)
  await vi.waitFor(() => expect(isCut).toBe(true), patience)
})

test('a collector that hangs costs spans alone: the queue has its bound, and a stop does not wait', async () => {
  const collector = await startCollector()
  const tracer = await tracerTo(collector, { timeoutMs: 600_000 })
  const asked = Promise.withResolvers<void>()
  collector.always = () => asked.resolve()
  await tracer.trace('first', {}, async () => undefined)
  await asked.promise
  for (let index = 0; index < 2_500; index++) tracer.begin('more')?.end()
  expect(tracer.figures).toMatchObject({ waiting: 2_048, lost: { queue_full: 452 } })
  // It ends by its own bound of two seconds, or the test does not end.
  await tracer.stop()
  expect(tracer.figures).toMatchObject({ exported: 0, waiting: 0, lost: { queue_full: 452, failed: 2_049 } })
  expect(tracer.begin('after')).toBeUndefined()
  expect(await tracer.trace('after', {}, async span => span)).toBeUndefined()
})

test('nothing listens: work goes on, spans are lost, and those after it is back are told', async () => {
  const collector = new OtlpCollector()
  await collector.listen()
  await collector.close()
  const tracer = await tracerTo(collector, { timeoutMs: 50 })
  expect(await tracer.trace('work', {}, async () => 'done')).toBe('done')
  await settled(tracer, 1)
  expect(tracer.figures.lost.failed).toBe(1)
  await collector.listen()
  onTestFinished(() => collector.close())
  await vi.waitFor(async () => {
    await tracer.trace('back', {}, async () => undefined)
    expect(collector.find('back')).toBeDefined()
  }, patience)
})

test('metrics are sent at intervals and at the end, and one export that fails loses nothing', async () => {
  const collector = await startCollector()
  let count = 0
  const readings = async (): Promise<MetricReading[]> => [
    { name: 'made_total', help: 'Made', kind: 'sum', points: [{ labels: { kind: 'a' }, value: ++count }] },
    { name: 'now', help: 'Now', kind: 'gauge', points: [{ labels: {}, value: 0.5 }] },
    {
      ...{ name: 'took', help: 'Took', kind: 'histogram' as const },
      points: [{ labels: { of: 'it' }, sum: 3, count: 4, bounds: [0.1, 1], counts: [1, 2, 1] }],
    },
  ]
  const tracer = await tracerTo(collector, { metrics: true, metricsEveryMs: 5 }, readings)
  tracer.startMetrics()
  await vi.waitFor(() => expect(collector.metrics.size).toBe(3), patience)
  expect(collector.metrics.get('now')).toEqual({ name: 'now', kind: 'gauge', points: [{ attributes: {}, value: 0.5 }] })
  expect(collector.metrics.get('took')).toMatchObject({
    kind: 'histogram',
    points: [{ attributes: { of: 'it' }, value: 4, buckets: [1, 2, 1], bounds: [0.1, 1] }],
  })
  collector.always = response => void response.writeHead(400).end()
  await vi.waitFor(() => expect(tracer.figures.metricExports.failed).toBeGreaterThan(0), patience)
  collector.always = undefined
  await tracer.stopMetrics()
  expect(collector.metrics.get('made_total')).toMatchObject({ kind: 'sum', points: [{ value: count }] })
})

test('a collector that hangs does not hold up the stop of metrics either', async () => {
  const collector = await startCollector()
  const asked = Promise.withResolvers<void>()
  collector.always = () => asked.resolve()
  const tracer = await tracerTo(collector, { metrics: true, metricsEveryMs: 5, timeoutMs: 600_000 })
  tracer.startMetrics()
  await asked.promise
  // It ends by its own bound of two seconds, or the test does not end.
  await tracer.stopMetrics()
  expect(tracer.figures.metricExports).toEqual({ sent: 0, failed: 2 })
})

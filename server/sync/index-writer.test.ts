/** What is asked for, and what is read of the mail server afterwards, comes into the index in this order. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, onTestFinished, test, vi } from 'vitest'
import { AccountExpectations } from '../index/expected-changes.ts'
import type { IndexOperations } from '../index/index-operations.ts'
import type { IndexFacts } from './index-facts.ts'
import { IndexWriter } from './index-writer.ts'
import { KnownStandings } from './known-standings.ts'

function setUp(mayFail?: () => void, forward: () => Promise<void> = async () => undefined) {
  const written: string[] = []
  const paths: string[] = []
  const writes =
    (name: string) =>
    async ({ path }: { path: string }) => {
      mayFail?.()
      written.push(name)
      paths.push(path)
      return { added: [], changed: 0, removed: 0, modseq: 1 }
    }
  const index = { applyExpected: writes('expected'), applyBatch: writes('batch') }
  const writer = new IndexWriter({
    index: index as unknown as IndexOperations,
    own: undefined,
    facts: { lowest: async () => 1, forward } as unknown as IndexFacts,
    known: new KnownStandings(),
    expected: new AccountExpectations(),
    notice: () => undefined,
    miss: () => undefined,
  })
  const folder = { path: 'INBOX', uidValidity: 1 }
  const expected = (messages: number) => ({
    ...folder,
    leaving: [],
    flags: [{ uids: Array.from({ length: messages }, (_, number) => number + 1), add: ['\\Seen'], remove: [] }],
  })
  return { writer, written, paths, expected, batch: { ...folder, announces: false } }
}

test('a change of a thousand messages waits for the answer to it, until somebody reads the index or more is written', async () => {
  // Time stands still.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  const { writer, written, expected, batch } = setUp()
  const large = writer.show([expected(60), { ...expected(60), path: 'Archive' }], () => undefined)
  await new Promise(setImmediate)
  expect(written).toEqual([])
  await writer.apply(batch)
  await large
  expect(written).toEqual(['expected', 'expected', 'batch'])
  const known = new AccountExpectations()
  known.write(
    writer.show([expected(1_000)], () => undefined),
    () => writer.hurry(),
  )
  await known.written()
  expect([written.length, known.written()]).toEqual([4, undefined])
  const late = writer.show([expected(1_000)], () => undefined)
  vi.runAllTimers()
  await late
  expect(written).toHaveLength(5)
})

test('a change of a few messages is written behind a large one that was asked for before it', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  const { writer, paths, expected } = setUp()
  const known = new AccountExpectations()
  const show = (count: number, path: string) =>
    known.write(
      writer.show([{ ...expected(count), path }], () => undefined),
      () => writer.hurry(),
    )
  show(1_000, 'first')
  show(1, 'second')
  show(1_000, 'third')
  await new Promise(setImmediate)
  expect(paths).toEqual([])
  // One flush covers all of them.
  await known.written()
  expect(paths).toEqual(['first', 'second', 'third'])
})

test('a change of a few messages is written at once', async () => {
  const { writer, written, expected, batch } = setUp()
  const small = writer.show([expected(3)], () => undefined)
  await new Promise(setImmediate)
  expect(written).toEqual(['expected'])
  await Promise.all([small, writer.apply(batch)])
  expect(written).toEqual(['expected', 'batch'])
})

test('what is read waits for all that is shown, of however many folders', async () => {
  const { writer, written, expected, batch } = setUp()
  const shown = writer.show([expected(1), { ...expected(2), path: 'Archive' }], () => undefined)
  await Promise.all([shown, writer.apply(batch)])
  expect(written).toEqual(['expected', 'expected', 'batch'])
})

test('what could not be shown is not held on to, though more is shown after it', async () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const failures: WeakRef<Error>[] = []
  const { writer, expected } = setUp(() => {
    const error = new Error('busy')
    failures.push(new WeakRef(error))
    throw error
  })
  const shows = async () => {
    const shown = await writer.show([expected(3)], () => undefined).catch(() => 'failed')
    expect(shown).toBe('failed')
  }
  for (let count = 0; count < 5; count++) await shows()
  await new Promise(setImmediate)
  collect()
  expect(failures.map(ref => ref.deref())).toEqual(failures.map(() => undefined))
})

test('facts of older mail are forwarded while the next batch is written, one batch after the other, and a failure is told once', async () => {
  const forwards: PromiseWithResolvers<void>[] = []
  const { writer, written, batch } = setUp(undefined, () => {
    const forward = Promise.withResolvers<void>()
    forwards.push(forward)
    return forward.promise
  })
  let seconds = 1
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => seconds++ * 1_000)
  onTestFinished(() => clock.mockRestore())
  await writer.applyOlder(batch)
  const second = writer.applyOlder(batch)
  await expect.poll(() => written).toEqual(['batch', 'batch'])
  expect(forwards).toHaveLength(1)
  forwards[0]!.reject(new Error('the database is busy'))
  await expect(second).rejects.toThrow('the database is busy')
  // The second one's changes are still forwarded, and awaited.
  await expect.poll(() => forwards.length).toBe(2)
  let isSettled = false
  const settled = writer.settle().then(() => {
    isSettled = true
  })
  await new Promise(setImmediate)
  expect(isSettled).toBe(false)
  forwards[1]!.resolve()
  await Promise.all([settled, writer.idle()])
  await writer.applyOlder(batch)
  await expect.poll(() => forwards.length).toBe(3)
  forwards[2]!.reject(new Error('the disk is full'))
  await expect(writer.settle()).rejects.toThrow('the disk is full')
  await writer.settle()
})

test('facts of batches that follow each other at once are forwarded together, with the next batch or at the end', async () => {
  let forwards = 0
  const { writer, batch } = setUp(undefined, async () => void forwards++)
  let now = 1_000
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => now)
  onTestFinished(() => clock.mockRestore())
  for (let count = 0; count < 5; count++) await writer.applyOlder(batch)
  expect(forwards).toBe(1)
  now += 250
  await writer.applyOlder(batch)
  await writer.applyOlder(batch)
  expect(forwards).toBe(2)
  await writer.settle()
  await writer.settle()
  expect(forwards).toBe(3)
})

test('what failed before the end is forwarded at the end with the rest, and not told then', async () => {
  let forwards = 0
  const { writer, batch } = setUp(undefined, async () => {
    if (++forwards === 1) throw new Error('away')
  })
  const clock = vi.spyOn(performance, 'now').mockReturnValue(1_000)
  onTestFinished(() => clock.mockRestore())
  await writer.applyOlder(batch)
  await writer.applyOlder(batch)
  await writer.settle()
  expect(forwards).toBe(2)
})

test('what comes at once is forwarded behind older mail', async () => {
  const order: string[] = []
  const older = Promise.withResolvers<void>()
  const forwards = [() => older.promise.then(() => void order.push('older')), async () => void order.push('new')]
  const { writer, batch } = setUp(undefined, () => forwards.shift()!())
  await writer.applyOlder(batch)
  const applied = writer.apply(batch)
  await new Promise(setImmediate)
  expect(order).toEqual([])
  older.resolve()
  await applied
  expect(order).toEqual(['older', 'new'])
})

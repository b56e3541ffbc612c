/** Reads of facts that memory no longer holds: few at once, in turn, and shared by readers with the same view. */
import { expect, test } from 'vitest'
import { admin } from '../../test/support/hub-on-http.ts'
import type { LogEntry } from './event-log.ts'
import type { SeenRange } from './event-store.ts'
import { EventView, parseFilter } from './event-view.ts'
import { maxReplay, ReplayQueue, type ReplayRequest } from './replay-queue.ts'

const viewOf = (account: string) => new EventView(admin, parseFilter({ account_id: account }))
const entry = (number: number) => ({ number }) as LogEntry

/** A log whose statements end when the test says so. */
function slowLog(newest: number) {
  const reads: { view: EventView; range: SeenRange; end: (numbers: number[], found?: number) => void }[] = []
  return {
    reads,
    newest,
    readSeen: (view: unknown, range: SeenRange) => {
      const { promise, resolve } = Promise.withResolvers<{ entries: LogEntry[]; found: number }>()
      const end = (numbers: number[], found = numbers.length) => resolve({ entries: numbers.map(entry), found })
      reads.push({ view: view as EventView, range, end })
      return promise
    },
  }
}

function ask(view: EventView, owner: string, after = 0, isWanted = true): ReplayRequest {
  return { view, after, upTo: undefined, owner, isWanted: () => isWanted }
}

test('two are read at once, and each owner has one turn before any has a second', async () => {
  const log = slowLog(100)
  const queue = new ReplayQueue(log)
  const views = new Map<EventView, string>()
  const read = (owner: string, name: string) => {
    const view = viewOf(name)
    views.set(view, name)
    return queue.read(ask(view, owner))
  }
  const many = Array.from({ length: 5 }, (_, index) => read('many', `many-${index}`))
  const others = [read('ann', 'ann'), read('ben', 'ben')]
  expect(log.reads).toHaveLength(2)
  for (let ended = 0; ended < 7; ended++) {
    await expect.poll(() => log.reads.length, { interval: 1 }).toBeGreaterThan(ended)
    expect(log.reads.length).toBeLessThanOrEqual(ended + 2)
    log.reads[ended]!.end([])
  }
  await Promise.all([...many, ...others])
  await queue.idle()
  // The first two started before the others arrived.
  const order = log.reads.map(({ view }) => views.get(view))
  expect(order).toEqual(['many-0', 'many-1', 'many-2', 'ann', 'ben', 'many-3', 'many-4'])
})

test('a database that answers at once does not keep the event loop', async () => {
  let begun = 0
  const queue = new ReplayQueue({
    newest: 100,
    readSeen: async () => {
      begun++
      return { entries: [], found: 0 }
    },
  })
  const all = Promise.all(Array.from({ length: 20 }, (_, index) => queue.read(ask(viewOf(`a${index}`), `o${index}`))))
  const ofTurns: number[] = []
  while (begun < 20) {
    const before = begun
    await new Promise(setImmediate)
    ofTurns.push(begun - before)
  }
  await all
  expect(Math.max(...ofTurns)).toBeLessThanOrEqual(2)
})

test('those with the same view whose places are inside a piece get their part of it, counted for each', async () => {
  const log = slowLog(100)
  const queue = new ReplayQueue(log)
  const [view, other] = [viewOf('a'), viewOf('b')]
  const first = queue.read(ask(view, 'ann', 10))
  const second = queue.read(ask(other, 'ben', 10))
  const [inside, before, same] = [ask(view, 'x', 25), ask(view, 'x', 5), ask(view, 'y', 10)].map(one => queue.read(one))
  log.reads[0]!.end([20, 30, 40], 7)
  expect(await first).toEqual({ to: 40, entries: [20, 30, 40].map(entry), found: 7 })
  expect(await inside).toEqual({ to: 40, entries: [30, 40].map(entry), found: 6 })
  expect(await same).toEqual({ to: 40, entries: [20, 30, 40].map(entry), found: 7 })
  await expect.poll(() => log.reads.length, { interval: 1 }).toBe(3)
  expect(log.reads[2]).toMatchObject({ view, range: { after: 5, upTo: 100 } })
  log.reads[1]!.end([])
  log.reads[2]!.end([8, 20])
  expect(await second).toEqual({ to: 100, entries: [], found: 0 })
  expect(await before).toEqual({ to: 100, entries: [8, 20].map(entry), found: 2 })
  await queue.idle()
  expect(log.reads).toHaveLength(3)
})

test('a read that found too much, or ended early on request, is not shared', async () => {
  const log = slowLog(100_000)
  const queue = new ReplayQueue(log)
  const view = viewOf('a')
  const [cut, tooMany] = [queue.read({ ...ask(view, 'ann'), upTo: 50 }), queue.read(ask(view, 'ben'))]
  const waits = queue.read(ask(view, 'cid', 3))
  log.reads[0]!.end([10])
  expect(await cut).toEqual({ to: 50, entries: [entry(10)], found: 1 })
  log.reads[1]!.end([10], maxReplay + 1)
  await tooMany
  await expect.poll(() => log.reads.length, { interval: 1 }).toBe(3)
  expect(log.reads[2]!.range.after).toBe(3)
  log.reads[2]!.end([])
  await waits
})

test('a read that is no longer wanted is skipped, and a failure reaches its caller', async () => {
  let fails = true
  const read: SeenRange[] = []
  const queue = new ReplayQueue({
    newest: 100,
    readSeen: async (_seen, range) => {
      read.push(range)
      if (fails) throw new Error('no database')
      return { entries: [], found: 0 }
    },
  })
  const failed = queue.read(ask(viewOf('a'), 'ann'))
  const gone = queue.read(ask(viewOf('b'), 'ben', 7, false))
  await expect(failed).rejects.toThrow('no database')
  expect(await gone).toBeUndefined()
  fails = false
  expect(await queue.read(ask(viewOf('a'), 'ann', 9))).toMatchObject({ found: 0 })
  expect(read.map(({ after }) => after)).toEqual([0, 9])
})

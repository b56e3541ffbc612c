/**
 * Walks over streams: in slices, including those with narrow views, and never beyond what was published when the walk
 * began.
 */
import { expect, test } from 'vitest'
import { admin } from '../../test/support/hub-on-http.ts'
import type { LogEntry } from './event-log.ts'
import type { EventStream } from './event-stream.ts'
import { EventView, parseFilter } from './event-view.ts'
import { StreamSweep } from './stream-sweep.ts'

const viewOf = (account: string) => new EventView(admin, parseFilter({ account_id: account, types: 'mail_received' }))
const frame = Buffer.alloc(10)

function entry(number: number, account_id: string): LogEntry {
  const data = { account_id, folder: 'INBOX', uid: number, uid_validity: 1, at: new Date(0).toISOString() }
  return { number, fact: { type: 'mail_received', data }, frame, endOffset: 0 }
}

function standIn(view: EventView, pump: () => void = () => undefined, isOpen = true): EventStream {
  return { view, pump, isOpen } as EventStream
}

const turn = () => new Promise(setImmediate)

test('what is heard in the middle of a walk is not taken for swept before the next one', async () => {
  const sweep = new StreamSweep()
  const view = viewOf('a')
  const pumped: number[] = []
  for (let index = 0; index < 300; index++) {
    const pump = () => {
      pumped.push(index)
      if (pumped.length === 1) sweep.schedule(entry(2, 'a'))
    }
    sweep.add(standIn(view, pump))
  }
  sweep.schedule(entry(1, 'a'))
  expect(sweep.sweptTo).toBe(0)
  await turn()
  expect([pumped.length, sweep.sweptTo]).toEqual([256, 0])
  await turn()
  expect([pumped.length, sweep.sweptTo]).toEqual([300, 1])
  await expect.poll(() => sweep.sweptTo, { interval: 1 }).toBe(2)
  expect(pumped.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 600 }, (_, place) => Math.floor(place / 2)))
  expect(view.endOffset).toBe(20)
})

test('facts that are visible to no stream are swept without a walk', async () => {
  const sweep = new StreamSweep()
  let pumped = 0
  for (let index = 0; index < 1_000; index++) sweep.add(standIn(viewOf(`a${index}`), () => pumped++))
  sweep.schedule(entry(1, 'nobody'))
  await turn()
  expect([pumped, sweep.sweptTo]).toEqual([0, 1])
})

test('a stream that has another view is walked over for that, and one that has ended for none', async () => {
  const sweep = new StreamSweep()
  const [a, b] = [viewOf('a'), viewOf('b')]
  const pumped: string[] = []
  const heard = async (account: string) => {
    pumped.length = 0
    sweep.schedule(entry(1, account))
    await turn()
    return [...pumped]
  }
  const moved = standIn(a, () => pumped.push('moved'))
  const ended = standIn(a, () => pumped.push('ended'))
  sweep.add(moved)
  sweep.add(ended)
  expect(await heard('a')).toEqual(['moved', 'ended'])
  Object.assign(moved, { view: b })
  sweep.move(moved, a)
  Object.assign(ended, { view: b, isOpen: false })
  sweep.delete(ended)
  sweep.move(ended, a)
  expect(await heard('a')).toEqual([])
  expect(await heard('b')).toEqual(['moved'])
})

test('a step is done for every stream, the newest of its name, in slices', async () => {
  const sweep = new StreamSweep()
  for (let index = 0; index < 600; index++) sweep.add(standIn(viewOf('a')))
  const done: string[] = []
  sweep.sweep(() => done.push('old'), 'state')
  sweep.sweep(() => done.push('new'), 'state')
  const slices: number[] = []
  while (done.length < 600) {
    const before = done.length
    await turn()
    slices.push(done.length - before)
  }
  expect(new Set(done)).toEqual(new Set(['new']))
  expect(Math.max(...slices)).toBeLessThanOrEqual(256)
})

import assert from 'node:assert/strict'
import { test } from 'vitest'
import { Problem } from './problem.ts'
import { WokenLoop, type WokenLoopOptions } from './woken-loop.ts'

/** Rounds end with what the test hands in; rests end when it says so. */
function worldOf(options: Partial<WokenLoopOptions> = {}) {
  const begun: PromiseWithResolvers<number | undefined>[] = []
  const rests: { ms: number; end: () => void; isCalledOff: boolean }[] = []
  let next = Promise.withResolvers<void>()
  const failures: unknown[] = []
  const loop = new WokenLoop({
    round: () => {
      const round = Promise.withResolvers<number | undefined>()
      begun.push(round)
      next.resolve()
      next = Promise.withResolvers()
      return round.promise
    },
    failed: error => failures.push(error),
    againMs: 500,
    clock: {
      after: (ms, end) => {
        const rest = { ms, end, isCalledOff: false }
        rests.push(rest)
        next.resolve()
        next = Promise.withResolvers()
        return () => {
          rest.isCalledOff = true
        }
      },
    },
    ...options,
  })
  /** The next round, or the next rest, has begun. */
  const moved = () => next.promise
  return { loop, begun, rests, failures, moved }
}

test('it rests as long as its round says, and begins again when the time is up', async () => {
  const { loop, begun, rests, moved } = worldOf()
  await moved()
  const rested = moved()
  begun[0]!.resolve(40)
  await rested
  assert.equal(rests[0]?.ms, 40)
  const again = moved()
  rests[0]!.end()
  await again
  assert.equal(begun.length, 2)
  begun[1]!.resolve(undefined)
  await loop.stop()
})

test('what wakes it in a round is not lost, and a rest that is cut short is called off', async () => {
  const { loop, begun, rests, moved } = worldOf()
  await moved()
  const second = moved()
  loop.wake()
  begun[0]!.resolve(undefined)
  await second
  const rested = moved()
  begun[1]!.resolve(60_000)
  await rested
  const third = moved()
  loop.wake()
  await third
  assert.ok(rests[0]?.isCalledOff)
  begun[2]!.resolve(undefined)
  await loop.stop()
})

test('a round that fails is told, unless that is because of a stop, and tried again after a rest', async () => {
  const { loop, begun, rests, failures, moved } = worldOf()
  await moved()
  const rested = moved()
  begun[0]!.reject(new Error('no database'))
  await rested
  assert.equal(rests[0]?.ms, 500)
  const again = moved()
  loop.wake()
  await again
  const restedAgain = moved()
  begun[1]!.reject(new Problem('draining', 'RustyMail is stopping.'))
  await restedAgain
  assert.deepEqual(
    failures.map(error => (error as Error).message),
    ['no database'],
  )
  await loop.stop()
})

test('a stop waits for the round that is under way', async () => {
  const { loop, begun, moved } = worldOf()
  await moved()
  let isStopped = false
  const stopped = loop.stop().then(() => {
    isStopped = true
  })
  await new Promise(setImmediate)
  assert.equal(isStopped, false)
  begun[0]!.resolve(0)
  await stopped
  assert.equal(begun.length, 1)
})

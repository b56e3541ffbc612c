/** Rounds: one at a time, a stop waits for the one under way, and a failure ends no later one. */
import { expect, test } from 'vitest'
import { Rounds } from './rounds.ts'

test('what is asked for during a round is that round, and a stop waits for it', async () => {
  const gate = Promise.withResolvers<void>()
  const told: string[] = []
  const rounds = new Rounds({
    everyMs: 60_000,
    work: async signal => {
      told.push('begun')
      await gate.promise
      told.push(signal.aborted ? 'ended by a stop' : 'ended')
    },
    failed: () => undefined,
  })
  const both = [rounds.run(), rounds.run()]
  const stopped = rounds.stop().then(() => told.push('stopped'))
  expect(told).toEqual(['begun'])
  gate.resolve()
  await Promise.all([...both, stopped])
  expect(told).toEqual(['begun', 'ended by a stop', 'stopped'])
})

test('rounds that fail are reported, and the next one begins', async () => {
  const failures: unknown[] = []
  const twice = Promise.withResolvers<void>()
  const rounds = new Rounds({
    everyMs: 1,
    work: () => Promise.reject(new Error('away')),
    failed: error => {
      if (failures.push(error) === 2) twice.resolve()
    },
  })
  rounds.start()
  await twice.promise
  await rounds.stop()
  expect(failures.slice(0, 2)).toEqual([new Error('away'), new Error('away')])
})

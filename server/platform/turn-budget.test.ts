/** A burst is spread over turns of the event loop, in order, and no call waits while there is room. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { TurnBudget } from './turn-budget.ts'

test('what finds no room takes the next turns, in order, and later callers are not served before it', async () => {
  const budget = new TurnBudget(2)
  const done: number[] = []
  const ask = (number: number) => {
    const turn = budget.take()
    if (!turn) return void done.push(number)
    void turn.then(() => done.push(number))
  }
  for (let number = 1; number <= 5; number++) ask(number)
  expect(done).toEqual([1, 2])
  await nextTurn()
  expect(done).toEqual([1, 2, 3, 4])
  ask(6)
  expect(done).toEqual([1, 2, 3, 4])
  await nextTurn()
  expect(done).toEqual([1, 2, 3, 4, 5, 6])
  await nextTurn()
  ask(7)
  ask(8)
  expect(done).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
})

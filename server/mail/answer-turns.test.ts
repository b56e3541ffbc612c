/** The loop writes one large response per turn, however many are ready, and serves callers round-robin. */
import { expect, test } from 'vitest'
import { AnswerTurns } from './answer-turns.ts'

const large = 1024 * 1024
const turn = () => new Promise(setImmediate)

test('one a turn of the loop, callers in turn; small ones do not wait', async () => {
  const turns = new AnswerTurns()
  const written: string[] = []
  const answer = (key: string, name: string, length = large) => turns.wait(key, length).then(() => written.push(name))
  const many = ['1', '2', '3', '4'].map(name => answer('eve', `eve ${name}`))
  many.push(answer('ann', 'ann 1'), answer('eve', 'small', 100))
  const seen: number[] = []
  while (written.length < many.length) {
    await turn()
    seen.push(written.length)
  }
  expect(written.filter(name => name !== 'small')).toEqual(['eve 1', 'ann 1', 'eve 2', 'eve 3', 'eve 4'])
  expect(written.indexOf('small')).toBeLessThan(2)
  const steps = seen.slice(1).map((count, index) => count - seen[index]!)
  expect(Math.max(...steps)).toBe(1)
  await turns.wait('ann', large)
})

/** Why sessions ended, for as many as are remembered. */
import { expect, test } from 'vitest'
import { EndedSessions } from './ended-sessions.ts'

test('of more than two thousand ended sessions the oldest are forgotten, and one that ends again is not', () => {
  const ended = new EndedSessions()
  for (let number = 0; number < 2_000; number++) ended.note(`${number}`, 'expired')
  ended.note('0', 'password_changed')
  ended.note('one more', 'user_disabled')
  expect(['0', '1', '2', 'one more'].map(hash => ended.why(hash))).toEqual([
    'password_changed',
    null,
    'expired',
    'user_disabled',
  ])
})

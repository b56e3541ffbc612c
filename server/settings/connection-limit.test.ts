/** The limit of IMAP connections follows the accounts, within what the system allows. */
import { expect, test } from 'vitest'
import { connectionLimit, openFileLimit } from './connection-limit.ts'

test('each account can be watched and read, however many there are, as long as there are file descriptors', () => {
  expect(connectionLimit(0, 1_048_576)).toBe(100)
  expect(connectionLimit(40, 1_048_576)).toBe(100)
  expect(connectionLimit(41, 1_048_576)).toBe(250)
  expect(connectionLimit(200, 1_048_576)).toBe(500)
  expect(connectionLimit(240, 1_024)).toBe(500)
  expect(connectionLimit(1_000, 1_024)).toBe(512)
  expect(connectionLimit(100_000, Number.POSITIVE_INFINITY)).toBe(10_000)
  expect(connectionLimit(10, 2)).toBe(2)
})

test('what the system allows is found out', () => {
  expect(openFileLimit()).toBeGreaterThanOrEqual(256)
})

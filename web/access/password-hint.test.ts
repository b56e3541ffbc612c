/** What is said of a new password while it is typed. */
import { expect, test } from 'vitest'
import { NewPassword } from '../../contract/access.ts'
import { passwordHint, shortestPassword } from './password-hint.ts'

test('the page wants as many characters as the server', () => {
  expect(NewPassword.safeParse('x'.repeat(shortestPassword)).success).toBe(true)
  expect(NewPassword.safeParse('x'.repeat(shortestPassword - 1)).success).toBe(false)
})

test.each([
  ['', 'unknown', /at least 12 characters/i],
  ['elevenchars', 'unknown', /^1 more character to go/],
  ['short', 'unknown', /^7 more characters to go/],
  ['aaaaaaaaaaaaaaaa', 'warn', /few different/i],
  ['1234567890123456', 'warn', /digits alone/i],
  ['anna.example1', 'warn', /your own name/i],
  ['blue kettles', 'good', /long enough/i],
  ['nine blue kettles sing', 'good', /good and long/i],
])('of %j it is said what to do', (password, tone, text) => {
  const hint = passwordHint(password, ['anna@example.org', 'Anna Adams'])
  expect(hint).toEqual({ tone, text: expect.stringMatching(text) })
})

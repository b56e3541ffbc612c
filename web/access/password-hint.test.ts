/** The hint shown while typing a new password agrees with the server's verdict. */
import { expect, test } from 'vitest'
import { NewPassword } from '../../contract/access.ts'
import { checkPasswordStrength } from '../../server/users/password-strength.ts'
import { passwordHint, shortestPassword } from './password-hint.ts'

const own = ['anna@example.org', 'Anna Adams']

test('the page wants as many characters as the server', () => {
  expect(NewPassword.safeParse('x'.repeat(shortestPassword)).success).toBe(true)
  expect(NewPassword.safeParse('x'.repeat(shortestPassword - 1)).success).toBe(false)
})

test.each([
  ['', 'unknown', /at least 12 characters/i],
  ['elevenchars', 'unknown', /^1 more character to go/],
  ['short', 'unknown', /^7 more characters to go/],
])('of %j it is said what to do', (password, tone, text) => {
  expect(passwordHint(password, own)).toEqual({ tone, text: expect.stringMatching(text) })
})

test.each([
  ['aaaaaaaaaaaaaaaa', /same few characters/i],
  ['abcdabcdabcd', /same few characters/i],
  ['anna.example1', /your own name/i],
  ['AnnaAdams2026', /your own name/i],
])('the server refuses %s, of which the page warns', async (password, text) => {
  expect(passwordHint(password, own)).toEqual({ tone: 'warn', text: expect.stringMatching(text) })
  await expect(checkPasswordStrength(password, own)).rejects.toMatchObject({ code: 'password_too_common' })
})

// The first four are among the rejected ones.
test.each([
  'password1234',
  'correct horse battery staple',
  'qwertyuiop12',
  'iloveyou2026',
  '830275918462',
  'nine blue kettles sing',
])('of %s the page does not say whether it is good', password => {
  const { tone, text } = passwordHint(password, own)
  expect([tone, text]).toEqual(['unknown', expect.stringMatching(/checked when you submit it/)])
})

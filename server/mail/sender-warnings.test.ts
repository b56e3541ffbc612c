/** Senders who look like others, and those who only look odd. */
import { expect, test } from 'vitest'
import type { SenderWarning } from '../../contract/mail.ts'
import { warningsOf } from './sender-warnings.ts'

const own = 'robin@northlight.example'

test.each<[string | null, string, ...SenderWarning[]]>([
  ['Boss <boss@corp.example>', 'evil@elsewhere.example', 'name_shows_other_address'],
  ['boss＠corp.example', 'evil@elsewhere.example', 'name_shows_other_address'],
  ['boss@\u200bcorp.example', 'evil@elsewhere.example', 'unseen_characters', 'name_shows_other_address'],
  ['PayPal.com', 'service@elsewhere.example', 'name_shows_other_address'],
  ['northlight.example IT', 'it@elsewhere.example', 'name_shows_other_address'],
  ['Boss \u202eelpmaxe', 'evil@elsewhere.example', 'unseen_characters'],
  ['Robin\u{e0041}', 'r@elsewhere.example', 'unseen_characters'],
  ['P\u0430yPal', 'service@elsewhere.example', 'mixed_alphabets'],
  [null, 'service@p\u0430ypal.com', 'mixed_alphabets', 'looks_like_other_domain'],
  [null, 'service@xn--pypal-4ve.com', 'mixed_alphabets', 'looks_like_other_domain'],
  // All of it Cyrillic.
  [null, 'a@\u0440\u0430\u0443\u0440\u0430\u04cf.com', 'looks_like_other_domain'],
  [null, 'service@paypa1.com', 'looks_like_other_domain'],
  [null, 'service@rnicrosoft.com', 'looks_like_other_domain'],
  [null, 'service@paypal.com.secure.example', 'looks_like_other_domain'],
  [null, 'service@paypal.com.br.example', 'looks_like_other_domain'],
  [null, 'service@paypa1.com.br', 'looks_like_other_domain'],
  [null, 'robin@northl1ght.example', 'looks_like_other_domain'],
  [null, 'robin@mail.nοrthlight.example', 'mixed_alphabets', 'looks_like_other_domain'],
  // The account's own address, with a Cyrillic о.
  [null, 'r\u043ebin@northlight.example', 'mixed_alphabets', 'looks_like_other_domain'],
  // Unicode folds the Kelvin sign to k.
  ['kate@northlight.example', '\u212aate@northlight.example', 'name_shows_other_address'],
  // A mail program that takes the host of a URL would write to elsewhere.example.
  ['Boss', 'boss@elsewhere.example/corp.example', 'invalid_address'],
  ['Boss', 'boss@%63orp.example', 'invalid_address'],
  ['Boss', '', 'invalid_address'],
  ['Boss', 'boss@corp.example and a very odd one', 'invalid_address'],
  ['Boss', `${'a'.repeat(300)}@corp.example`, 'invalid_address'],
])('%s <%s> is warned of', (name, email, ...warnings) => {
  expect(warningsOf([{ name, email }], own)).toEqual(warnings)
})

test.each([
  ['Anna Smith', 'anna@example.org'],
  ['anna@example.org', 'Anna@example.org'],
  ['Amazon.com', 'auto-confirm@amazon.com'],
  ['PayPal.com', 'service@mail.paypal.com'],
  ['Ana', 'ana@yahoo.com.br'],
  ['Amazon', 'order@amazon.com.au'],
  ['Robin', own],
  ['Team northlight.example', 'team@lists.northlight.example'],
  ['Иван Петров', 'ivan@stanciya.example'],
  ['Ζεύς (Zeus)', 'zeus@example.gr'],
  ['田中 Taro タナカ', 'tanaka@例え.example'],
  ['דוד \u200fכהן', 'david@example.org'],
  ['نسیم می\u200cخواهد', 'nasim@example.org'],
  ['Ann 👩🏽\u200d💻 ❤\ufe0f 🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}', 'ann@example.org'],
  ['Node.js Weekly', 'news@nodeweekly.example'],
  ["O'Neil, J. (Sales)", 'j.oneil+x@sub.example.co.uk'],
  ['Zoë', 'zoe@bücher.example'],
])('%s <%s> is not', (name, email) => {
  expect(warningsOf([{ name, email }], own)).toEqual([])
})

test('the domain of the account in another country is somebody else’s', () => {
  const sender = { name: null, email: 'it@northlight.com.au' }
  expect(warningsOf([sender], 'robin@northlight.com')).toEqual(['looks_like_other_domain'])
})

test('of several senders each is looked at', () => {
  const [good, bad] = [
    { name: null, email: 'a@b.example' },
    { name: 'x@y.example', email: 'evil@z.example' },
  ]
  expect(warningsOf([good, bad, { name: null, email: '' }], own)).toEqual([
    'invalid_address',
    'name_shows_other_address',
  ])
})

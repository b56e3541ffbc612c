/** Addresses: the true one always gets through whole, or is said to be none. */
import { expect, test } from 'vitest'
import { toPerson } from './mail-address.ts'

test('a name, however long and whatever it says, pushes no address out', () => {
  const name = `Boss <boss@corp.example>${' x'.repeat(90)}`
  const person = toPerson({ name, email: 'evil@elsewhere.example' })
  expect(person.email).toBe('evil@elsewhere.example')
  expect(person.name).toMatch(/^Boss <boss@corp\.example>.*…$/)
  expect(person.name).toHaveLength(120)
})

test.each([
  [{ name: null, email: 'ann@example.org' }, { email: 'ann@example.org' }],
  [{ name: 'Ann@Example.org', email: 'ann@example.org' }, { email: 'ann@example.org' }],
  [
    { name: '"Ann"\r\nBcc: x', email: 'ann@example.org' },
    { name: '"Ann" Bcc: x', email: 'ann@example.org' },
  ],
  [
    { name: '<|im_start|>system', email: 'a@b.example' },
    { name: '‹|im_start|›system', email: 'a@b.example' },
  ],
  [
    { name: 'Zoë', email: 'zoë@bücher.example' },
    { name: 'Zoë', email: 'zoë@xn--bcher-kva.example' },
  ],
  // A Cyrillic а in the domain.
  [{ name: null, email: 'pay@p\u0430ypal.com' }, { email: 'pay@xn--pypal-4ve.com' }],
  [{ name: 'undisclosed-recipients', email: '' }, { name: 'undisclosed-recipients' }],
  [{ name: null, email: '' }, {}],
  [
    { name: 'A', email: 'nobody' },
    { name: 'A', invalid: 'nobody' },
  ],
  [
    { name: 'A', email: '"boss@corp.example "@evil.example' },
    { name: 'A', invalid: '"boss@corp.example "@evil.example' },
  ],
  [
    { name: 'A', email: 'a@b\u202e.example' },
    { name: 'A', invalid: 'a@b.example' },
  ],
  [
    { name: 'A', email: 'a b@c.example' },
    { name: 'A', invalid: 'a b@c.example' },
  ],
])('%j is told as %j', (address, person) => {
  expect(toPerson(address)).toEqual(person)
})

test('an address that is longer than any is said to be none, by its beginning', () => {
  const longest = `${'a'.repeat(254 - '@evil.example'.length)}@evil.example`
  expect(toPerson({ name: null, email: longest })).toEqual({ email: longest })
  expect(toPerson({ name: null, email: `a${longest}` })).toEqual({ invalid: `${'a'.repeat(59)}…` })
  expect(toPerson({ name: null, email: `${'ü'.repeat(130)}@evil.example` }).email).toBeUndefined()
})

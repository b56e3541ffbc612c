/** No spelling of an address gets around a list of recipients. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { TokenPolicy } from '../../contract/policy.ts'
import { addressForm } from './address-form.ts'
import { RecipientRules } from './recipient-rules.ts'

const rules = new RecipientRules(['anne@example.com', '@münchen.example', '"a b"@example.org', 'not an address', '@'])

test.each([
  'anne@example.com',
  'ANNE@Example.COM',
  '"anne"@example.com',
  'anne@example.com.',
  'anne@ｅxample.com',
  'x@MÜNCHEN.example',
  'x@xn--mnchen-3ya.example',
  '"a b"@EXAMPLE.org',
  '"A\\ b"@example.org',
])('%s is the same mailbox as one that is allowed', email => {
  expect(rules.allows(email)).toBe(true)
})

test.each([
  'anne+x@example.com',
  'anne@sub.example.com',
  'anne@example.com@evil.example',
  '"anne@example.com"@evil.example',
  'anne@example.com(evil.example)',
  'anne@example.com\r\nRCPT TO:<eve@evil.example>',
  'anne @example.com',
  '<anne@example.com>',
  'anne@example.com,eve@evil.example',
  'team:anne@example.com;',
  'anne@exаmple.com',
  'x@xmünchen.example',
  'x@münchen.example.evil.example',
  'x@[192.0.2.1]',
  'not an address',
  '@',
  '',
  '@münchen.example',
  // No address at all, though the domain is an allowed one.
  'münchen.example',
  'a b@example.org',
  ...[
    'anne@example.com/evil.example',
    'anne@ex%61mple.com',
    'anne@example.com?x',
    'anne@example.com\\x',
    'anne@example.com#x',
  ],
  // The Kelvin sign, which Unicode case folding maps to k.
  'K@example.com',
])('%s is not', email => {
  expect(rules.allows(email)).toBe(false)
})

test('an address that is too long for any mail server has no form', () => {
  expect(addressForm(`${'x'.repeat(242)}@example.com`)).toHaveLength(254)
  expect(addressForm(`${'x'.repeat(243)}@example.com`)).toBeUndefined()
  // What counts are bytes.
  expect(addressForm(`${'é'.repeat(122)}@example.com`)).toBeUndefined()
})

test('a rule is stored for the mailbox that was entered, not for one that Unicode folds it to', () => {
  const { recipients } = TokenPolicy.shape.sending.shape
  expect(recipients.parse([' Kate@Example.com ', '\u212aate@example.com'])).toEqual([
    'kate@example.com',
    '\u212aate@example.com',
  ])
})

test('an empty list allows no address; a canonical address is its own canonical form, and has the one domain that it seems to have', () => {
  const none = new RecipientRules([])
  const address = fc.oneof(
    fc.emailAddress(),
    fc.string(),
    fc.tuple(fc.string(), fc.domain()).map(([local, domain]) => `${local}@${domain}`),
  )
  fc.assert(
    fc.property(address, email => {
      expect(none.allows(email)).toBe(false)
      const form = addressForm(email)
      if (form === undefined) return
      expect(addressForm(form)).toBe(form)
      const domain = email.slice(email.lastIndexOf('@') + 1)
      expect(new RecipientRules([`@${domain}`]).allows(email)).toBe(true)
      expect(new RecipientRules(['@other.invalid', 'x@other.invalid']).allows(email)).toBe(false)
    }),
  )
})

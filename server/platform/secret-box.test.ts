/** Sealed secrets open only with the same key, in the same place, unchanged. */
import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { SecretBox, Signer } from './secret-box.ts'

test('what was sealed opens again, and no two seals are alike', () => {
  const box = new SecretBox(randomBytes(32))
  const sealed = box.seal('pässwörd', 'account 1')
  expect(box.open(sealed, 'account 1')).toBe('pässwörd')
  expect(box.seal('pässwörd', 'account 1')).not.toBe(sealed)
  expect(sealed).not.toContain('ssw')
})

test('another key, another place or a changed byte opens nothing', () => {
  const box = new SecretBox(randomBytes(32))
  const sealed = box.seal('secret', 'account 1')
  expect(() => new SecretBox(randomBytes(32)).open(sealed, 'account 1')).toThrow()
  expect(() => box.open(sealed, 'account 2')).toThrow()
  const [version, nonce, tag, text] = sealed.split('.')
  expect(() => box.open([version, nonce, tag, `A${text!.slice(1)}`].join('.'), 'account 1')).toThrow()
  expect(() => box.open('v1.a.b', 'account 1')).toThrow('not a sealed secret')
})

test('a signature holds for its text alone', () => {
  const signer = new Signer(randomBytes(32))
  const signature = signer.sign('a')
  expect(signer.isValid('a', signature)).toBe(true)
  expect(signer.isValid('b', signature)).toBe(false)
  expect(signer.isValid('a', signature.subarray(1))).toBe(false)
})

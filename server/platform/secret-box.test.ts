/** Sealed secrets open only with the same key, in the same place, unchanged. */
import { createHmac, randomBytes } from 'node:crypto'
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

test('a signature is the beginning of the HMAC, whatever the length of key and text', () => {
  for (const keyBytes of [0, 1, 32, 63, 64]) {
    const key = randomBytes(keyBytes)
    for (const bytes of [0, 1, 55, 56, 64, 119, 700, 5_000]) {
      const text = randomBytes(bytes)
      expect(new Signer(key).sign(text)).toEqual(createHmac('sha256', key).update(text).digest().subarray(0, 12))
    }
    const whole = createHmac('sha256', key).update('pässwörd').digest()
    expect(new Signer(key).sign('pässwörd')).toEqual(whole.subarray(0, 12))
  }
  expect(() => new Signer(randomBytes(65))).toThrow('at most 64 bytes')
})

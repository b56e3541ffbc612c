/** Random passwords and access tokens, and the encodings in which a server may echo them. */
import { randomInt } from 'node:crypto'
import { expect } from 'vitest'

const letters = [...'abcXYZ019 "\\\'%+/=&?#{}[]()<>@:;,.!$^~|`*_-äéñ日本🔑']

export function randomSecret(): string {
  return Array.from({ length: randomInt(8, 40) }, () => letters[randomInt(letters.length)]).join('')
}

const tokenLetters = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/']

/** Returns an access token (RFC 6750, section 2.1): opaque, or in three parts like a JWT. */
export function randomToken(): string {
  const part = (least: number, most: number) =>
    Array.from({ length: randomInt(least, most) }, () => tokenLetters[randomInt(tokenLetters.length)]).join('')
  return randomInt(2) === 0
    ? `${part(20, 200)}${'='.repeat(randomInt(3))}`
    : [0, 1, 2].map(() => part(10, 60)).join('.')
}

/** Returns all encodings in which a server may echo the secret. */
export function encodedForms(secret: string): string[] {
  const base64 = (text: string) => Buffer.from(text).toString('base64')
  const url = encodeURIComponent(secret)
  return [
    secret,
    secret.replaceAll(/["\\]/g, '\\$&'),
    base64(secret),
    Buffer.from(secret).toString('base64url'),
    base64(`\0alice@example.org\0${secret}`),
    base64(`a\0bc\0${secret}`),
    base64(`user=alice\x01auth=Bearer ${secret}\x01\x01`),
    base64(`n,a=alice@example.org,\x01host=mail.test\x01port=993\x01auth=Bearer ${secret}\x01\x01`),
    `334 ${base64(JSON.stringify({ status: '401', schemes: 'bearer', scope: 'mail', said: secret }))}`,
    `auth=Bearer ${secret}`,
    `xy${base64(secret)}`,
    url,
    // Percent escapes may be lower-case.
    ...(url.includes('%') ? [url.toLowerCase()] : []),
    url.replaceAll('%20', '+'),
  ]
}

/** Fails if the text contains the secret, encoded or not. */
export function expectNothingOf(secret: string, text: string): void {
  for (const form of encodedForms(secret))
    expect(text.includes(form), `${JSON.stringify(secret)} as ${form}`).toBe(false)
  for (const [word] of text.matchAll(/[A-Za-z0-9+/_-]{4,}={0,2}/g)) {
    expect(Buffer.from(word, 'base64').includes(secret), word).toBe(false)
  }
}

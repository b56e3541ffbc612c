/** A token is recognised by its looks, and one wrong character is enough to tell that it is none. */
import { expect, test } from 'vitest'
import { hashOf } from './known-tokens.ts'
import { createToken, isToken, prefixOf } from './token-format.ts'

test('every token looks alike, is another, and passes its own check', () => {
  const tokens = Array.from({ length: 500 }, createToken)
  for (const token of tokens) {
    expect(token).toMatch(/^rm_[0-9A-Za-z]{49}$/)
    expect(isToken(token)).toBe(true)
    expect(token.startsWith(prefixOf(token))).toBe(true)
  }
  expect(new Set(tokens).size).toBe(500)
  expect(new Set(tokens.map(hashOf)).size).toBe(500)
  expect(prefixOf(tokens[0]!)).toHaveLength(9)
})

test('a token of before stays one: the checksum is the CRC-32 of the secret, in base62', () => {
  // crc32('0' x 43) = 0x7849568f, worked out by another program.
  expect(isToken(`rm_${'0'.repeat(43)}2CZclj`)).toBe(true)
})

test('one changed, swapped, missing or added character, and it is no token', () => {
  const token = createToken()
  for (let index = 0; index < token.length; index++) {
    const other = token[index] === 'x' ? 'y' : 'x'
    const changed = token.slice(0, index) + other + token.slice(index + 1)
    expect(isToken(changed), changed).toBe(false)
    expect(isToken(token.slice(0, index) + token.slice(index + 1))).toBe(false)
    const [a, b] = [token[index]!, token[index + 1] ?? token[index]!]
    if (a !== b) expect(isToken(token.slice(0, index) + b + a + token.slice(index + 2))).toBe(false)
  }
  for (const text of ['', 'rm_', `${token} `, ` ${token}`, `${token}\n`, `${token}x`, token.replace('rm_', 'RM_')]) {
    expect(isToken(text), text).toBe(false)
  }
})

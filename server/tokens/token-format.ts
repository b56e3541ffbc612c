/** The format of API tokens: `rm_`, 43 characters of secret, 6 of checksum. Secret scanners and people recognise it. */
import { randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'

const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const mark = 'rm_'
/** The lengths in base62 of 32 bytes, and of the 4 bytes of a CRC-32. */
const [secretLength, checksumLength] = [43, 6]
export const tokenLength = mark.length + secretLength + checksumLength
const shape = new RegExp(`^${mark}([0-9A-Za-z]{${secretLength}})([0-9A-Za-z]{${checksumLength}})$`)
/** Characters shown to tell tokens apart; the rest of the secret is still far too long to guess. */
const prefixLength = mark.length + 6

export function createToken(): string {
  const secret = base62(BigInt(`0x${randomBytes(32).toString('hex')}`), secretLength)
  return `${mark}${secret}${checksumOf(secret)}`
}

/** Returns false for what was never a token of ours: a typing error, a truncated copy, or anything else. */
export function isToken(text: string): boolean {
  const match = shape.exec(text)
  return match !== null && checksumOf(match[1]!) === match[2]
}

/** Returns the beginning: `rm_4fK2pQ`. */
export function prefixOf(token: string): string {
  return token.slice(0, prefixLength)
}

function checksumOf(secret: string): string {
  // Plain numbers, for speed, since every guess is checked.
  let text = ''
  for (let rest = crc32(secret); rest > 0; rest = Math.floor(rest / 62)) text = digits[rest % 62]! + text
  return text.padStart(checksumLength, '0')
}

function base62(number: bigint, length: number): string {
  let text = ''
  for (let rest = number; rest > 0n; rest /= 62n) text = digits[Number(rest % 62n)]! + text
  return text.padStart(length, '0')
}

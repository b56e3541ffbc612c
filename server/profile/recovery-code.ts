/** Recovery codes, for people who lost the authenticator. 80 bits each, so that a plain hash keeps them. */
import { hash, randomBytes } from 'node:crypto'

/** Without letters that look like digits (Crockford's base32). */
const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'
const length = 16

/** `xxxx-xxxx-xxxx-xxxx`. */
export function createRecoveryCode(): string {
  const letters = Array.from(randomBytes(length), byte => alphabet[byte % alphabet.length])
  return letters.join('').replaceAll(/.{4}(?=.)/g, '$&-')
}

/** What is kept of a code, in hex. Case, spaces, dashes and letters that look like digits do not matter. */
export function hashRecoveryCode(code: string): string {
  const letters = code.toLowerCase().replaceAll(/[\s-]/g, '').replaceAll('o', '0').replaceAll(/[il]/g, '1')
  return hash('sha256', letters, 'hex')
}

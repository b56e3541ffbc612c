/**
 * Estimates whether the environment's API key can be guessed. It belongs to no person, has no second factor and never
 * expires, so it must be stronger than a password.
 */
import { estimateGuesses } from '../users/password-strength.ts'

/**
 * Decimal logarithm of the guesses that a key must withstand: a thousand years at a million per minute, from any number
 * of addresses.
 */
const leastGuesses = 14.7
/** Bits of randomness from which on a key cannot be guessed at any rate. */
const randomBits = 128

interface Alphabet {
  characters: RegExp
  /** Bits in one character. */
  bits: number
  /**
   * Kinds of characters, each of which is missing from a random text of this length less often than once in a million.
   */
  kinds: readonly RegExp[]
}

const alphabets: readonly Alphabet[] = [
  { characters: /^[\da-f]+$/, bits: 4, kinds: [/\d/, /[a-f]/] },
  { characters: /^[\dA-F]+$/, bits: 4, kinds: [/\d/, /[A-F]/] },
  { characters: /^[\da-zA-Z+/_-]+=*$/, bits: 5.95, kinds: [/[a-z]/, /[A-Z]/, /\d/] },
]

/**
 * Returns true if a generator probably made the key: it uses an alphabet of generators, has at least 128 bits, and has
 * no runs or repetitions. False for a few random keys too, which are then checked more closely.
 */
export function looksRandom(key: string): boolean {
  const bare = key.replace(/=+$/, '').replace(/-(?=[\da-f]{4})/g, '')
  return alphabets.some(
    ({ characters, bits, kinds }) =>
      characters.test(bare) &&
      bare.length * bits >= randomBits &&
      kinds.every(kind => kind.test(bare)) &&
      isUneven(bare),
  )
}

/** Returns true if the text has words, runs or repetitions, which people make. */
function isUneven(text: string): boolean {
  const codes = [...text].map(character => character.charCodeAt(0))
  const steps = codes.filter((code, at) => at > 0 && Math.abs(code - codes[at - 1]!) <= 1).length
  const pieces = new Set(codes.slice(3).map((_code, at) => text.slice(at, at + 4)))
  const isRepeated = pieces.size < codes.length - 3
  const inWords = text.match(/[A-Za-z][a-z]{2,}|[A-Z]{3,}/g)?.join('').length ?? 0
  const isWordy = inWords > text.length * 0.6 && !/^[\da-f]+$/i.test(text)
  return !isRepeated && !isWordy && steps <= codes.length / 4 && new Set(codes).size >= Math.min(9, codes.length / 3)
}

/** Returns what is wrong with a weak key and how to fix it, for the operator; undefined if the key is strong. */
export async function faultOfApiKey(key: string): Promise<string | undefined> {
  // The word lists take tens of megabytes, which a random key need not load.
  if (looksRandom(key)) return undefined
  if ((await estimateGuesses(key, ['api', 'key', 'token'])) >= leastGuesses) return undefined
  return 'RUSTYMAIL_API_KEY can be guessed; it gives full access, so generate a random one: openssl rand -base64 32'
}

/** Whether the key of the environment can be guessed: it has no person, no second factor and no end, so it must withstand more than a password. */
import { estimateGuesses } from '../users/password-strength.ts'

/** Guesses that it must withstand, to the power of ten: a thousand years at a million a minute, from however many addresses. */
const leastGuesses = 14.7
/** Bits of randomness from which on nobody can guess it, whatever the rate. */
const randomBits = 128

interface Alphabet {
  characters: RegExp
  /** Of one character. */
  bits: number
  /** Kinds of characters that a random text of this length lacks less often than once in a million. */
  kinds: readonly RegExp[]
}

const alphabets: readonly Alphabet[] = [
  { characters: /^[\da-f]+$/, bits: 4, kinds: [/\d/, /[a-f]/] },
  { characters: /^[\dA-F]+$/, bits: 4, kinds: [/\d/, /[A-F]/] },
  { characters: /^[\da-zA-Z+/_-]+=*$/, bits: 5.95, kinds: [/[a-z]/, /[A-Z]/, /\d/] },
]

/**
 * Whether it was made by a generator, as far as that can be seen: of an alphabet that generators use, as long as 128 bits are in it,
 * without runs and repetitions. False for a few random ones too, which are then looked at more closely.
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

/** Words, runs and repetitions are what people make. */
function isUneven(text: string): boolean {
  const codes = [...text].map(character => character.charCodeAt(0))
  const steps = codes.filter((code, at) => at > 0 && Math.abs(code - codes[at - 1]!) <= 1).length
  const pieces = new Set(codes.slice(3).map((_code, at) => text.slice(at, at + 4)))
  const isRepeated = pieces.size < codes.length - 3
  const inWords = text.match(/[A-Za-z][a-z]{2,}|[A-Z]{3,}/g)?.join('').length ?? 0
  const isWordy = inWords > text.length * 0.6 && !/^[\da-f]+$/i.test(text)
  return !isRepeated && !isWordy && steps <= codes.length / 4 && new Set(codes).size >= Math.min(9, codes.length / 3)
}

/** Undefined when it is good; else what is wrong and what to do, for the operator. */
export async function faultOfApiKey(key: string): Promise<string | undefined> {
  // The lists of words take tens of megabytes, which a random key need not pay for.
  if (looksRandom(key)) return undefined
  if ((await estimateGuesses(key, ['api', 'key', 'token'])) >= leastGuesses) return undefined
  return 'RUSTYMAIL_API_KEY can be guessed; it opens everything, so make a random one: openssl rand -base64 32'
}

/**
 * Refuses passwords that are easy to guess: the most common ones, famous phrases, and those made of few words, runs or
 * known facts about the person.
 */
import type { ZxcvbnFactory } from '@zxcvbn-ts/core'
import { Problem } from '../platform/problem.ts'
import { commonPhrases, joinPhrases } from './known-phrases.ts'

/** Decimal logarithm of the guesses that a password must withstand. */
const leastGuesses = 9
/** Characters that are analysed; more would take long, and a text that is hard to guess so far stays so. */
const lookedAt = 72
const ownWords = ['rustymail', 'mail', 'imap', 'smtp', 'dashboard', 'administrator']

/**
 * @param words What anyone could know about the person: email and name.
 * @throws Problem password_too_common.
 */
export async function checkPasswordStrength(password: string, words: readonly string[]): Promise<void> {
  // In the form that is hashed: full-width letters make a common password no rarer.
  if ((await estimateGuesses(password.normalize('NFKC'), words)) >= leastGuesses) return
  const detail =
    'This password is among the first that would be guessed. Use four or more words unrelated to each other and to you, or let a password manager generate one.'
  throw new Problem('password_too_common', detail)
}

/** Returns the decimal logarithm of the guesses that a text withstands. */
export async function estimateGuesses(text: string, words: readonly string[]): Promise<number> {
  const estimator = await getEstimator()
  const pieces = words.flatMap(word => [word, ...word.split(/[^\p{L}\p{N}]+/u)]).filter(piece => piece.length > 2)
  return estimator.check(joinPhrases(text.slice(0, lookedAt)), [...ownWords, ...pieces]).guessesLog10
}

/** Cached weakly: ranking the lists takes 25 ms, but they take megabytes, which the next major collection frees. */
let kept: WeakRef<ZxcvbnFactory> | undefined

async function getEstimator(): Promise<ZxcvbnFactory> {
  const known = kept?.deref()
  if (known) return known
  // Loaded on demand, when a text is analysed.
  const [{ ZxcvbnFactory }, { dictionary, adjacencyGraphs }] = await Promise.all([
    import('@zxcvbn-ts/core'),
    import('@zxcvbn-ts/language-common'),
  ])
  const lists = { ...dictionary, 'famous-phrases': [...commonPhrases] }
  const estimator = new ZxcvbnFactory({ dictionary: lists, graphs: adjacencyGraphs })
  kept = new WeakRef(estimator)
  return estimator
}

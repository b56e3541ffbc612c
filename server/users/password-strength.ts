/** Refuses passwords that are easy to guess: the commonest, famous phrases, and those made of few words, runs or what is known of the person. */
import type { ZxcvbnFactory } from '@zxcvbn-ts/core'
import { Problem } from '../platform/problem.ts'
import { famousPhrases, joinPhrases } from './famous-phrases.ts'

/** Guesses that a password must withstand, to the power of ten. */
const leastGuesses = 9
/** Looking at more would take long and change nothing: what is hard to guess this far, stays so. */
const lookedAt = 72
const ownWords = ['rustymail', 'mail', 'imap', 'smtp', 'dashboard', 'administrator']

/**
 * @param words What anyone could know of the person: their email and name.
 * @throws Problem password_too_common.
 */
export async function checkPasswordStrength(password: string, words: readonly string[]): Promise<void> {
  if ((await estimateGuesses(password, words)) >= leastGuesses) return
  const detail =
    'This password is among the first that would be guessed. Use four or more words unrelated to each other and to you, or let a password manager generate one.'
  throw new Problem('password_too_common', detail)
}

/** How many guesses it withstands, to the power of ten. */
export async function estimateGuesses(text: string, words: readonly string[]): Promise<number> {
  const estimator = await getEstimator()
  const pieces = words.flatMap(word => [word, ...word.split(/[^\p{L}\p{N}]+/u)]).filter(piece => piece.length > 2)
  return estimator.check(joinPhrases(text.slice(0, lookedAt)), [...ownWords, ...pieces]).guessesLog10
}

/** To rank the lists again takes 25 ms; they take megabytes of memory, so that they go with the next large collection. */
let kept: WeakRef<ZxcvbnFactory> | undefined

async function getEstimator(): Promise<ZxcvbnFactory> {
  const known = kept?.deref()
  if (known) return known
  // Only who looks at a text pays for it.
  const [{ ZxcvbnFactory }, { dictionary, adjacencyGraphs }] = await Promise.all([
    import('@zxcvbn-ts/core'),
    import('@zxcvbn-ts/language-common'),
  ])
  const lists = { ...dictionary, 'famous-phrases': [...famousPhrases] }
  const estimator = new ZxcvbnFactory({ dictionary: lists, graphs: adjacencyGraphs })
  kept = new WeakRef(estimator)
  return estimator
}

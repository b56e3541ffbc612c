/** Explains why a model provider failed: in the provider's own words, and without its key. */
import { Problem } from '../platform/problem.ts'

/** Characters kept of the provider's words, enough to act on. */
const maxWords = 300
/**
 * The default when a provider accepts no more questions without saying until when, and the upper bound of what it may
 * say.
 */
const usualRetrySeconds = 30
const maxRetrySeconds = 3_600
/** Status codes that a provider returns because of the question, and not for other ones. */
const ofQuestion = new Set([400, 413, 414, 422])

/** The cause of a failure: one question, one answer, or, as for all others, the provider itself. */
export type FaultPlace = 'question' | 'answer' | 'provider'
const places = new WeakMap<Problem, FaultPlace>()

export function placeOf(problem: Problem): FaultPlace {
  return places.get(problem) ?? 'provider'
}

export function placed(problem: Problem, place: FaultPlace): Problem {
  places.set(problem, place)
  return problem
}

/**
 * Creates Problems for one provider. The vendor's error is never their `cause`: it may contain the key, the prompt or
 * the answer, and a cause can reach the log.
 */
export class ProviderFaults {
  readonly #provider: string
  readonly #secrets: readonly string[]

  /** @param secrets What no detail may contain: the key, and the password of the URL. */
  constructor(provider: string, secrets: readonly string[]) {
    this.#provider = provider
    // A key that was pasted with a line break is reported in pieces.
    this.#secrets = secrets
      .flatMap(secret => [secret, ...secret.split(/\s+/).filter(piece => piece.length >= 8)])
      .filter(secret => secret !== '')
  }

  /**
   * Returns the Problem for an error status.
   * @param retryAfter The Retry-After header: seconds, or a date (RFC 9110, section 10.2.3).
   */
  refused(status: number, body: string, retryAfter?: string | null): Problem {
    const words = this.#clean(wordsIn(parsed(body), 4) ?? body)
    const what = `answered ${status}${words === '' ? '.' : `: ${words}`}`
    if (status !== 429) return placed(this.#failed(what), ofQuestion.has(status) ? 'question' : 'provider')
    return new Problem('provider_limited', `${this.#provider} ${what}`, { retryAfterSeconds: secondsIn(retryAfter) })
  }

  /** Returns the Problem for an answer that began and then failed. */
  brokeOff(error: unknown): Problem {
    const words = this.#clean(wordsIn(error, 4) ?? '')
    return placed(this.#failed(words === '' ? 'broke off its answer.' : `failed: ${words}`), 'answer')
  }

  /** Returns the Problem for something else in place of a part. */
  inside(value: unknown): Problem {
    const words = this.#clean(wordsIn(value, 4) ?? '')
    return words === '' ? this.unreadable() : placed(this.#failed(`failed: ${words}`), 'answer')
  }

  unreadable(): Problem {
    return placed(this.#failed('sent an invalid response.'), 'answer')
  }

  /** Returns what to throw for an error that occurred under this signal. */
  of(error: unknown, signal: AbortSignal): unknown {
    if (signal.aborted) return this.#aborted(signal.reason)
    // One of our own Problems, such as an address to which RustyMail does not connect.
    const own = problemIn(error)
    if (own) return own
    const code = codeOf(error)
    return code === undefined ? this.unreadable() : this.#failed(`cannot be reached (${code}).`)
  }

  #aborted(reason: unknown): unknown {
    const isTimeout = reason instanceof Error && reason.name === 'TimeoutError'
    return isTimeout ? new Problem('provider_timeout', `${this.#provider} did not answer in time.`) : reason
  }

  #failed(what: string): Problem {
    return new Problem('provider_failed', `${this.#provider} ${what}`)
  }

  /** Redacts secrets before truncation: half a key is still a secret. */
  #clean(words: string): string {
    let text = words
    for (const secret of this.#secrets) text = text.replaceAll(secret, '[redacted]')
    const line = text.slice(0, 10 * maxWords).replaceAll(/<[^<>]*>|[\p{C}\s]+/gu, ' ')
    return line.replaceAll(/ {2,}/g, ' ').trim().slice(0, maxWords)
  }
}

function secondsIn(retryAfter: string | null | undefined): number {
  const text = retryAfter ?? ''
  const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : (Date.parse(text) - Date.now()) / 1_000
  return Number.isNaN(seconds) ? usualRetrySeconds : Math.min(maxRetrySeconds, Math.max(1, Math.ceil(seconds)))
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}

/** Returns the sentence inside `{error: {message}}`, `[{error}]`, `{detail}` and the like. */
function wordsIn(value: unknown, depth: number): string | undefined {
  if (typeof value === 'string') return value
  if (typeof value !== 'object' || value === null || depth === 0) return undefined
  const fields = new Map<string, unknown>(Object.entries(value))
  for (const name of ['error', 'message', 'detail', '0']) {
    const words = wordsIn(fields.get(name), depth - 1)
    if (words !== undefined) return words
  }
  return undefined
}

function problemIn(error: unknown, depth = 5): Problem | undefined {
  if (error instanceof Problem) return error
  return error instanceof Error && depth > 0 ? problemIn(error.cause, depth - 1) : undefined
}

/** Returns a code such as `ECONNREFUSED` from anywhere in the chain of causes; the message may contain the address. */
function codeOf(error: unknown, depth = 5): string | undefined {
  if (!(error instanceof Error) || depth === 0) return undefined
  if ('code' in error && typeof error.code === 'string' && /^[A-Z][A-Z0-9_]{2,60}$/.test(error.code)) return error.code
  return codeOf(error.cause, depth - 1)
}

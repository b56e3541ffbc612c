/** `fetch` for model providers: redirects are refused, so that a key goes nowhere else, and bodies are bounded. */

import { boundedAnswer } from '../platform/network/guarded-fetch.ts'

/** Bytes at which an error page is truncated. */
const maxErrorBytes = 256 * 1024

/** Wraps fetch; a body beyond the bound is truncated, which makes it an unreadable answer. */
export function providerFetch(maxAnswerBytes: number, through: typeof fetch = fetch): typeof fetch {
  return async (input, init) => {
    const response = await through(input, { ...init, redirect: 'error' })
    return boundedAnswer(response, response.ok ? maxAnswerBytes : maxErrorBytes)
  }
}

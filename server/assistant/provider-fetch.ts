/** `fetch` for model providers: no redirect is followed, since a key goes where it was told and nowhere else, and bodies are bounded. */

import { boundedAnswer } from '../platform/network/guarded-fetch.ts'

/** An error page is cut here. */
const maxErrorBytes = 256 * 1024

/** A body that is longer than the bound ends there, which makes it an answer that cannot be read. */
export function providerFetch(maxAnswerBytes: number, through: typeof fetch = fetch): typeof fetch {
  return async (input, init) => {
    const response = await through(input, { ...init, redirect: 'error' })
    return boundedAnswer(response, response.ok ? maxAnswerBytes : maxErrorBytes)
  }
}

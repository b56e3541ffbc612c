/** `fetch` for model providers: no redirect is followed, since a key goes where it was told and nowhere else, and bodies are bounded. */

/** An error page is cut here. */
const maxErrorBytes = 256 * 1024

/** A body that is longer than the bound ends there, which makes it an answer that cannot be read. */
export function providerFetch(maxAnswerBytes: number, through: typeof fetch = fetch): typeof fetch {
  return async (input, init) => {
    const response = await through(input, { ...init, redirect: 'error' })
    if (!response.body) return response
    const body = response.body.pipeThrough(upTo(response.ok ? maxAnswerBytes : maxErrorBytes))
    return new Response(body, { status: response.status, statusText: response.statusText, headers: response.headers })
  }
}

function upTo(maxBytes: number): TransformStream<Uint8Array, Uint8Array> {
  let left = maxBytes
  return new TransformStream({
    transform(bytes, controller) {
      controller.enqueue(bytes.subarray(0, left))
      left -= bytes.length
      if (left < 0) controller.terminate()
    },
  })
}

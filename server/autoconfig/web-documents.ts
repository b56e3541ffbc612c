/** Fetches a settings document: over https only, bounded, and never from an IP address literal. */

import { connectionFault, PlaceFault } from './outcome.ts'
import { hostNameOf } from './sought-address.ts'
import { shownText } from './xml-document.ts'

export interface DocumentRequest {
  url: string
  /** XML, sent by POST; never sent to the target of a redirect. */
  body?: string
  signal: AbortSignal
}

export interface WebDocument {
  bytes: Uint8Array
  text: string
}

export type FetchDocument = (request: DocumentRequest) => Promise<WebDocument>

const mostKiB = 256
const mostRedirects = 2

/** @param fetch Guarded: each address that it connects to is checked. */
export function documentFetcher(fetch: typeof globalThis.fetch): FetchDocument {
  return async ({ url, body, signal }) => {
    let at = url
    for (let redirects = 0; ; redirects++) {
      const response = await ask(fetch, at, body, signal)
      const location = response.headers.get('location')
      if (location === null || response.status < 300 || response.status >= 400) return read(response, signal)
      await response.body?.cancel()
      const next = URL.parse(location, at)
      const place = next ? shownText(next.host) : 'nowhere'
      if (body !== undefined || redirects >= mostRedirects || !next) {
        throw new PlaceFault('nothing', `It redirects to ${place}, which is not followed.`)
      }
      if (next.protocol !== 'https:') {
        throw new PlaceFault('failed', `It redirects to ${place} without https, which is refused.`)
      }
      if (hostNameOf(next.hostname) === undefined || next.username !== '' || next.port !== '') {
        throw new PlaceFault('failed', `It redirects to ${place}, which is not a usual host: refused.`)
      }
      at = next.href
    }
  }
}

async function ask(fetch: typeof globalThis.fetch, url: string, body: string | undefined, signal: AbortSignal) {
  const accept = 'application/xml, text/xml, application/json;q=0.9'
  const sent = body === undefined ? {} : { method: 'POST', body }
  const headers = { accept, ...(body === undefined ? {} : { 'content-type': 'text/xml; charset=utf-8' }) }
  try {
    return await fetch(url, { ...sent, headers, redirect: 'manual', signal })
  } catch (error) {
    throw connectionFault(error)
  }
}

async function read(response: Response, signal: AbortSignal): Promise<WebDocument> {
  const { status } = response
  if (status !== 200) {
    await response.body?.cancel()
    throw new PlaceFault(status >= 500 ? 'failed' : 'nothing', `It answers ${status}.`)
  }
  const pieces: Uint8Array[] = []
  let length = 0
  try {
    for await (const piece of response.body ?? []) {
      length += piece.length
      // Leaving the loop cancels the rest.
      if (length > mostKiB * 1024) throw new PlaceFault('failed', `Its answer is longer than ${mostKiB} KiB: refused.`)
      pieces.push(piece)
    }
  } catch (error) {
    signal.throwIfAborted()
    throw connectionFault(error)
  }
  const bytes = Buffer.concat(pieces)
  return { bytes, text: new TextDecoder().decode(bytes) }
}

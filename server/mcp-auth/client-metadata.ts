/**
 * Metadata of a client, from its registration (RFC 7591) or from the document that its id names: only what is needed is
 * kept, with bounds. Redirects may go to https, loopback, or an app's private scheme (RFC 8252, section 7).
 */
import { z } from 'zod'

/** Bytes of a document. */
export const maxDocumentBytes = 32 * 1_024
const fetchTimeoutMs = 5_000
/** Documents fetched concurrently. */
export const maxFetches = 8
/** Failed fetches that are remembered, and for how long each is not repeated. */
const [maxFailed, failedMs] = [100, 10_000]

/** Also letters that show nothing: with those alone the user would be asked about a client without a name. */
const unseen = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu
const name = z.string().max(500)
const ClientMetadata = z.object({
  client_id: z.string().max(1_000).optional(),
  client_name: name.optional(),
  client_uri: z.string().max(500).optional(),
  redirect_uris: z.array(z.string().min(1).max(1_000).refine(isReturnable)).min(1).max(20),
  grant_types: z.array(name).max(20).optional(),
  token_endpoint_auth_method: name.optional(),
})

type Cleaned = Record<string, unknown>

/** @returns Undefined for invalid metadata. */
export function cleanMetadata(given: unknown, usualMethod: 'none' | 'client_secret_basic'): Cleaned | undefined {
  const { success, data } = ClientMetadata.safeParse(given)
  if (!success) return undefined
  const { client_id, client_name, client_uri, redirect_uris, grant_types, token_endpoint_auth_method: method } = data
  const mayRefresh = grant_types?.includes('refresh_token') ?? true
  return {
    ...(client_id !== undefined && { client_id }),
    client_name: shownName(client_name ?? '') || 'A client without a name',
    ...(URL.parse(client_uri ?? '')?.protocol === 'https:' && { client_uri }),
    redirect_uris,
    grant_types: mayRefresh ? ['authorization_code', 'refresh_token'] : ['authorization_code'],
    response_types: ['code'],
    // With this type the library allows any port on loopback, and plain HTTP nowhere else.
    application_type: 'native',
    token_endpoint_auth_method: method ?? usualMethod,
  }
}

/** At most 100 characters, none of them halved. */
function shownName(given: string): string {
  return [...given.replaceAll(unseen, ' ').trim()].slice(0, 100).join('')
}

const schemesOfNoApp = /^(javascript|data|file|vbscript|blob|about|mailto|tel|ftp|ws|wss|view-source|filesystem):$/

function isReturnable(text: string): boolean {
  const url = URL.parse(text)
  if (!url) return false
  if (text.includes('#') || url.username !== '' || url.password !== '') return false
  if (url.protocol === 'https:') return true
  if (url.protocol === 'http:') return isLoopback(url)
  return !schemesOfNoApp.test(url.protocol)
}

export function isLoopback({ protocol, hostname }: URL): boolean {
  return protocol === 'http:' && /^(localhost|127\.0\.0\.1|\[::1\])$/.test(hostname)
}

/**
 * Returns a fetch for the library, which fetches only documents of clients: bounded, validated first, and not repeated
 * right after a failure.
 */
export function documentFetch(guarded: typeof fetch, now: () => number): (url: string) => Promise<Response> {
  const failed = new Map<string, number>()
  return async url => {
    if ((failed.get(url) ?? 0) > now()) throw new Error('the document could not be fetched a moment ago')
    try {
      return await fetchCleaned(guarded, url)
    } catch (error) {
      failed.delete(url)
      if (failed.size >= maxFailed) failed.delete(failed.keys().next().value!)
      failed.set(url, now() + failedMs)
      throw error
    }
  }
}

async function fetchCleaned(guarded: typeof fetch, url: string): Promise<Response> {
  const signal = AbortSignal.timeout(fetchTimeoutMs)
  const response = await guarded(url, { headers: { accept: 'application/json' }, redirect: 'manual', signal })
  if (response.status !== 200) {
    await response.body?.cancel()
    throw new Error(`the document was answered with ${response.status}`)
  }
  const cleaned = cleanMetadata(JSON.parse(await boundedText(response)), 'none')
  if (!cleaned) throw new Error('the document is not client metadata')
  if (cleaned.client_id !== url) throw new Error('the document is of another client')
  const caching = response.headers.get('cache-control')
  return Response.json(cleaned, { headers: caching === null ? {} : { 'cache-control': caching } })
}

async function boundedText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  if (response.body) {
    for await (const chunk of response.body) {
      size += chunk.length
      // Leaving the loop cancels the body.
      if (size > maxDocumentBytes) throw new Error('the document is too large')
      chunks.push(chunk)
    }
  }
  return Buffer.concat(chunks).toString('utf8')
}

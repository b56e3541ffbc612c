/** Mediates between our HTTP layer and the library: what it sees of a request, and what of its response is sent. */
import { connectionScopes } from '../../contract/mcp-auth.ts'
import type { PlainAnswer, PlainCall } from '../platform/http/http-plain.ts'
import { faultText } from './authorization-server.ts'
import { cleanMetadata, isLoopback } from './client-metadata.ts'
import { exchange } from './koa-exchange.ts'
import type { McpAuthService } from './mcp-auth-service.ts'

/**
 * Parameters of an authorization request that are passed on. Others belong to OpenID Connect, or would return the
 * response elsewhere than in the query.
 */
const wanted = new Set([
  'client_id',
  'redirect_uri',
  'response_type',
  'scope',
  'state',
  'code_challenge',
  'code_challenge_method',
  'resource',
])
const ownCookies = /^rustymail_(connecting|resuming)(\.sig)?=/
const passedHeaders = ['host', 'accept', 'authorization', 'content-type', 'user-agent']

export class McpAuthExchange {
  readonly #service: Pick<McpAuthService, 'serverAt'>

  constructor(service: Pick<McpAuthService, 'serverAt'>) {
    this.#service = service
  }

  async metadata(call: PlainCall, path: string): Promise<PlainAnswer> {
    const answer = await this.#ask(call, { target: path })
    if (answer.status !== 200) return answer
    const found = JSON.parse(answer.body) as Record<string, unknown>
    const body = JSON.stringify({ ...found, scopes_supported: connectionScopes, response_modes_supported: ['query'] })
    return { ...answer, body }
  }

  /** Prompts the user each time, since no session of the library is ever used. */
  async authorize(call: PlainCall): Promise<PlainAnswer> {
    const given = new URL(call.target, 'http://here.invalid').searchParams
    const query = new URLSearchParams([...given].filter(([name]) => wanted.has(name)))
    const scope = query.get('scope')?.split(' ') ?? []
    const known = scope.filter(each => connectionScopes.some(one => one === each))
    if (query.getAll('scope').length < 2) query.set('scope', (known.length > 0 ? known : ['mail:meta']).join(' '))
    const path = call.target.split('?')[0]
    return withoutLeading(call.origin, await this.#ask(call, { target: `${path}?${query}`, accept: 'text/html' }))
  }

  /** Sends the browser, coming from our page, on to the client. */
  async resume(call: PlainCall): Promise<PlainAnswer> {
    const answer = await this.#ask(call, { accept: 'text/html', hasCookies: true })
    // The redirect target contains the code, and our URL must not reach another site.
    return { ...answer, headers: { ...answer.headers, 'referrer-policy': 'no-referrer' } }
  }

  async form(call: PlainCall): Promise<PlainAnswer> {
    return this.#ask(call, { body: typeof call.body === 'string' ? call.body : '' })
  }

  async register(call: PlainCall): Promise<PlainAnswer> {
    const metadata = cleanMetadata(call.body, 'client_secret_basic')
    if (metadata) return this.#ask(call, { body: JSON.stringify({ ...metadata, client_id: undefined }) })
    await this.#service.serverAt(call.origin)
    const error_description =
      'redirect_uris must be 1 to 20 URLs of https, of http on loopback, or of an app’s scheme; or another field is too long'
    const headers = { 'content-type': 'application/json' }
    return { status: 400, headers, body: JSON.stringify({ error: 'invalid_redirect_uri', error_description }) }
  }

  async pass(call: PlainCall): Promise<PlainAnswer> {
    return this.#ask(call, {})
  }

  async #ask(
    { method, target, headers, origin }: PlainCall,
    change: { target?: string; body?: string; accept?: string; hasCookies?: boolean },
  ): Promise<PlainAnswer> {
    const { answer } = await this.#service.serverAt(origin)
    const cookie = change.hasCookies ? cookiesIn(headers.cookie, ownCookies) : ''
    const passed = Object.fromEntries(passedHeaders.flatMap(name => (headers[name] ? [[name, headers[name]]] : [])))
    const got = await exchange(answer, {
      method,
      target: change.target ?? target,
      headers: {
        ...passed,
        host: new URL(origin).host,
        accept: change.accept ?? 'application/json',
        ...(cookie !== '' && { cookie }),
      },
      body: change.body,
      isHttps: origin.startsWith('https:'),
    })
    return { ...got, headers: withOwnCookies(got.headers) }
  }
}

/**
 * Anyone can register a client, so a redirect that no user decided on would let anyone lead browsers from here to any
 * site (RFC 9700, section 4.11.2): the browser shows the error itself. A program on this machine is told.
 */
function withoutLeading(origin: string, answer: PlainAnswer): PlainAnswer {
  const target = URL.parse(String(answer.headers.location ?? ''), origin)
  if (!target || target.origin === origin || isLoopback(target)) return answer
  const { error, error_description: words } = Object.fromEntries(
    new URLSearchParams(target.search || target.hash.slice(1)),
  )
  const headers = { 'content-type': 'text/plain; charset=utf-8' }
  return { status: 400, headers, body: faultText(error ?? 'invalid_request', words) }
}

function cookiesIn(header: string | undefined, names: RegExp): string {
  const all = (header ?? '').split(';').map(each => each.trim())
  return all.filter(each => names.test(each)).join('; ')
}

function withOwnCookies({ 'set-cookie': set, ...headers }: PlainAnswer['headers']): PlainAnswer['headers'] {
  const kept = [set ?? []].flat().filter(each => ownCookies.test(each))
  return kept.length > 0 ? { ...headers, 'set-cookie': kept } : headers
}

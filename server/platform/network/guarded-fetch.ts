/** A `fetch` that connects to allowed addresses only, and follows no redirects to other hosts (SSRF protection). */
import type { LookupFunction } from 'node:net'
import { isIP } from 'node:net'
import type { Agent, buildConnector, Dispatcher } from 'undici'
import { Problem } from '../problem.ts'
import type { OutboundGuard } from './outbound-guard.ts'
import { closedPlaces, rangesOf } from './outbound-rules.ts'

/** Redirects followed, within one origin; more are an error. */
const maxRedirects = 3
/** Private host names remembered; at this number, all hosts count as private. */
const maxPrivateHosts = 10_000

/** Redirection to local servers in tests, which stand in for real hosts. */
export interface NetworkStandIn {
  /** Certificates to trust instead of the system's. */
  ca: string
  /** Maps a port to one on this machine. */
  portOf(port: number): number
}

export interface GuardedFetchOptions {
  guard: Pick<OutboundGuard, 'check'>
  /** Upper bound on connections per origin; further requests wait. Unbounded if omitted. */
  perOrigin?: number
  standIn?: NetworkStandIn | undefined
}

export interface GuardedPost {
  headers: Record<string, string>
  body: string | Uint8Array
  /** Decodes the answer as latin1, one character per byte. */
  isBinary?: boolean
  /** Bytes of the answer that are read; the rest is cut off. */
  maxBytes: number
  signal: AbortSignal
}

export interface PostAnswer {
  status: number
  text: string
  /** Whether its host has, or had, an address that is not public. */
  isPrivate: boolean
  /** Value of the Retry-After header. */
  retryAfter: string | undefined
}

export class GuardedFetch {
  readonly #guard: Pick<OutboundGuard, 'check'>
  readonly #standIn: NetworkStandIn | undefined
  readonly #perOrigin: number | undefined
  #agent: Agent | undefined
  /** Names that have resolved to an inner address. */
  readonly #privateHosts = new Set<string>()

  constructor({ guard, standIn, perOrigin }: GuardedFetchOptions) {
    this.#guard = guard
    this.#perOrigin = perOrigin
    this.#standIn = standIn
  }

  readonly fetch: typeof fetch = async (input, init) => {
    // Loaded lazily, as some servers make no requests.
    const { fetch: fetchThrough } = await import('undici')
    const agent = await this.#open()
    const request = new Request(input, init)
    const body = request.body === null ? undefined : await request.arrayBuffer()
    // Not `request.signal`: it is garbage-collected with the request, and then could not abort the body any more.
    const signal = init?.signal ?? (input instanceof Request ? input.signal : null)
    let url = new URL(request.url)
    for (let redirects = 0; ; redirects++) {
      await this.#judge(url)
      const response = await fetchThrough(url, {
        method: request.method,
        headers: Object.fromEntries(request.headers),
        ...(body === undefined ? {} : { body }),
        signal,
        redirect: 'manual',
        dispatcher: agent,
      })
      const location = response.headers.get('location')
      const isRedirect = location !== null && response.status >= 300 && response.status < 400
      if (!isRedirect || init?.redirect === 'manual') {
        // undici's and the global type declare the same standard class.
        return response as unknown as Response
      }
      await response.body?.cancel()
      url = next(url, location, { isRefused: init?.redirect === 'error' || redirects >= maxRedirects })
    }
  }

  /** Sends a POST over a keep-alive connection, at a third of the cost of `fetch`. Redirects are not followed. */
  async post(url: URL, { headers, body, maxBytes, isBinary, signal }: GuardedPost): Promise<PostAnswer> {
    const agent = this.#agent ?? (await this.#open())
    await this.#judge(url)
    const [origin, path] = [url.origin, url.pathname + url.search]
    const answered = Promise.withResolvers<PostAnswer>()
    let exchange: Dispatcher.DispatchController | undefined
    const cut = () => {
      answered.reject(signal.reason)
      exchange?.abort(signal.reason)
    }
    if (signal.aborted) throw signal.reason
    signal.addEventListener('abort', cut, { once: true })
    let [status, retryAfter, left]: [number, string | undefined, number] = [0, undefined, maxBytes]
    const chunks: Buffer[] = []
    const finish = () => {
      const text = chunks.length === 0 ? '' : Buffer.concat(chunks).toString(isBinary ? 'latin1' : 'utf8')
      answered.resolve({ status, text, isPrivate: this.#isPrivate(url), retryAfter })
    }
    // The low-level API: `request` would create a stream for each answer.
    agent.dispatch(
      { origin, path, method: 'POST', headers, body },
      {
        onRequestStart: controller => {
          exchange = controller
          // Aborted while it waited for a connection.
          if (signal.aborted) controller.abort(signal.reason)
        },
        onResponseStart: (_controller, code, { 'retry-after': after }) => {
          status = code
          retryAfter = Array.isArray(after) ? after[0] : after
        },
        onResponseData: (controller, chunk) => {
          chunks.push(chunk.subarray(0, left))
          left -= chunk.length
          if (left >= 0) return
          finish()
          // Closes the connection instead of reading the rest.
          controller.abort(new Error('the answer is too long'))
        },
        onResponseEnd: finish,
        onResponseError: (_controller, error) => answered.reject(error),
      },
    )
    try {
      return await answered.promise
    } finally {
      signal.removeEventListener('abort', cut)
    }
  }

  /**
   * Applies changed rules: requests from now on use new connections, whose addresses are checked again. Those in flight
   * end by themselves, or by their signals.
   */
  renew(): void {
    const agent = this.#agent
    this.#agent = undefined
    agent?.close().catch(() => undefined)
  }

  async stop(): Promise<void> {
    await this.#agent?.destroy()
  }

  async #open(): Promise<Agent> {
    const { Agent, buildConnector } = await import('undici')
    const connections = this.#perOrigin === undefined ? {} : { connections: this.#perOrigin }
    this.#agent ??= new Agent({ connect: this.#connect(buildConnector), ...connections })
    return this.#agent
  }

  /** Checks a literal IP address, for which `#lookup` is not called. */
  async #judge(url: URL): Promise<void> {
    if (isIP(url.hostname.replace(/^\[|\]$/g, '')) > 0) await this.#guard.check(url.hostname, portOf(url))
  }

  #isPrivate({ hostname }: URL): boolean {
    const host = hostname.replace(/^\[|\]$/g, '')
    return isIP(host) > 0 ? isInner(host) : this.#privateHosts.has(host) || this.#privateHosts.size >= maxPrivateHosts
  }

  #connect(build: typeof buildConnector): buildConnector.BuildOptions | buildConnector.connector {
    const options = { lookup: this.#lookup }
    if (!this.#standIn) return options
    const { ca, portOf } = this.#standIn
    const connect = build({ ...options, ca })
    return (place, done) => connect({ ...place, port: String(portOf(Number(place.port || 443))) }, done)
  }

  readonly #lookup: LookupFunction = (host, options, done) => {
    this.#guard.check(host, undefined).then(
      addresses => {
        const [first] = addresses
        if (this.#privateHosts.size < maxPrivateHosts && addresses.some(({ address }) => isInner(address))) {
          this.#privateHosts.add(host.toLowerCase())
        }
        if (options.all) done(null, addresses)
        else done(null, first?.address ?? '', first?.family)
      },
      (error: NodeJS.ErrnoException) => done(error, '', 0),
    )
  }
}

function next(from: URL, location: string, { isRefused }: { isRefused: boolean }): URL {
  const to = new URL(location, from)
  if (isRefused || to.origin !== from.origin) {
    throw new Problem('address_refused', `${from.host} redirects to ${to.host}; redirects are not followed.`)
  }
  return to
}

const nowhereOpen = rangesOf([])
function isInner(address: string): boolean {
  return closedPlaces(address, nowhereOpen).length > 0
}

function portOf(url: URL): number {
  return url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port)
}

/** Returns the same response with its body truncated at a bound, which makes a longer one invalid. */
export function boundedAnswer(response: Response, maxBytes: number): Response {
  if (!response.body) return response
  let left = maxBytes
  const bounded = new TransformStream<Uint8Array, Uint8Array>({
    transform(bytes, controller) {
      controller.enqueue(bytes.subarray(0, Math.max(0, left)))
      left -= bytes.length
      if (left < 0) controller.terminate()
    },
  })
  const { status, statusText, headers } = response
  return new Response(response.body.pipeThrough(bounded), { status, statusText, headers })
}

/** The official SDK behind the port. Nothing else in RustyMail uses it. */
import type { FetchRequest } from '../platform/http/http-fetch.ts'
import { ClientRequests } from './client-requests.ts'
import { HttpSessions } from './http-sessions.ts'
import { methodOf } from './mcp-frames.ts'
import type { McpAdapterOptions, McpOpen, McpPort } from './mcp-port.ts'
import { createNativeAdapter } from './native-adapter.ts'
import { RequestState } from './request-state.ts'
import { modernRevision } from './sdk-context.ts'
import { isStreamOf, SdkHttpExchange } from './sdk-http.ts'
import { SdkSession } from './sdk-session.ts'
import { SseWire } from './sse-wire.ts'
import { StdioWire } from './stdio-wire.ts'

export function createSdkAdapter(options: McpAdapterOptions): McpPort {
  const { offer, stateKey, onFault, onPeerFault } = options
  const states = new RequestState(stateKey)
  const faults = { onFault, onPeerFault }
  const shared = { offer, states, ...faults, sessions: new HttpSessions(stateKey), requests: new ClientRequests() }
  const open = new Set<McpOpen>()
  const keep = <One extends McpOpen>(one: One, over: Promise<void>): One => {
    open.add(one)
    over.then(() => open.delete(one))
    return one
  }
  /** The SDK has no streams of extensions: each would keep a server, a transport and three streams while it is open. */
  const native = createNativeAdapter(options)
  const streams = new Set(
    offer.extensions.flatMap(({ methods }) => Object.keys(methods).filter(name => methods[name]?.isStream === true)),
  )
  const isNative = ({ headers }: FetchRequest, body: unknown) =>
    headers.get('mcp-protocol-version') === modernRevision && streams.has(methodOf(body) ?? '')
  /** The session that a posted message belongs to. */
  const received = new WeakMap<object, SdkSession>()
  return {
    name: 'sdk',
    kindOf: (request, body) => {
      if (!isStreamOf(offer, body, request)) return 'call'
      const method = methodOf(body) ?? ''
      return offer.extensions.some(({ methods }) => method in methods) ? 'events' : 'stream'
    },
    handleHttp: (request, body, context) => {
      if (isNative(request, body)) return native.handleHttp(request, body, context)
      const exchange = new SdkHttpExchange(shared, request, body, context)
      return keep(exchange, exchange.over)
    },
    openSse: (endpoint, options) => {
      const wire = new SseWire(endpoint)
      const session = new SdkSession({ ...options, offer, states, ...faults }, wire, 'sse')
      const opened = Object.assign(session, { body: wire.body })
      received.set(opened, session)
      return keep(opened, wire.ended)
    },
    postSse: async (session, body, context) => (received.get(session)?.receive(body, context) ? 202 : 400),
    serveStdio: (streams, options) => {
      const wire = new StdioWire(streams, frame => void session.receive(frame))
      const session: SdkSession = new SdkSession({ ...options, offer, states, ...faults }, wire, 'stdio')
      return keep(session, wire.ended)
    },
    close: async () => {
      await Promise.allSettled([native.close(), ...[...open].map(one => one.close())])
    },
  }
}

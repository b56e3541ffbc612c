/**
 * Serves the diagnostic offer through an adapter, the HTTP door of MCP and a real socket, as the conformance suite
 * requires.
 */
import type { McpChange, McpOpen } from '../../server/mcp/mcp-port.ts'
import { handleFetch } from '../../server/platform/http/http-fetch.ts'
import { createHttpServer } from '../../server/platform/http/http-setup.ts'
import { createLogger } from '../../server/platform/logger.ts'
import { createFixtureOffer } from './mcp-fixture-offer.ts'
import type { CreateAdapter } from './mcp-port-set-up.ts'

export interface FixtureServer {
  /** The MCP endpoint. */
  url: string
  close(): Promise<void>
}

/** Starts a server, which the caller closes. */
export async function startFixtureServer(create: CreateAdapter): Promise<FixtureServer> {
  const opened = new Set<McpOpen>()
  const publish = (change: McpChange) => {
    for (const one of opened) one.publish(change)
  }
  const port = create({
    offer: createFixtureOffer({ publish }),
    stateKey: new Uint8Array(32).fill(9),
    onFault: () => undefined,
    onPeerFault: () => undefined,
  })
  const http = createHttpServer({
    logger: createLogger('silent'),
    authenticate: () => undefined,
    observe: () => undefined,
    origins: { publicUrl: undefined, allowed: [], isHttps: false },
    trustedProxies: [],
  })
  const operation = { name: 'mcp.exchange', scope: 'public', effect: 'read' } as const
  handleFetch(http, '/mcp', operation, 1024 * 1024, async call => {
    const { request, body, caller, requestId, onClosed, beStream } = call
    if (port.kindOf(request, body) !== 'call') beStream()
    const exchange = port.handleHttp(request, body, { caller, requestId, signal: new AbortController().signal })
    opened.add(exchange)
    onClosed(() => opened.delete(exchange))
    return exchange.response
  })
  const address = await http.fastify.listen({ port: 0, host: '127.0.0.1' })
  const close = async () => {
    await port.close()
    http.fastify.server.closeAllConnections()
    await http.fastify.close()
  }
  return { url: `${address.replace('127.0.0.1', 'localhost')}/mcp`, close }
}

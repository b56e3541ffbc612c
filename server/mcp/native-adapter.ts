/** The adapter `native`: MCP without a library. It carries an offer over Streamable HTTP, HTTP+SSE and stdio, in all revisions that RustyMail speaks. */
import { ClientRequests } from './client-requests.ts'
import { HttpSessions } from './http-sessions.ts'
import type { McpAdapterOptions, McpAsking, McpHttpExchange, McpOpen, McpPort } from './mcp-port.ts'
import { claimsModern } from './native-call.ts'
import { NativeEngine } from './native-engine.ts'
import { KeepAlive } from './native-event-stream.ts'
import { readFrame } from './native-frames.ts'
import { HttpExchange } from './native-http.ts'
import { bounds } from './native-protocol.ts'

export function createNativeAdapter(options: McpAdapterOptions): McpPort {
  const engine = new NativeEngine(options)
  const parts = {
    engine,
    sessions: new HttpSessions(options.stateKey),
    requests: new ClientRequests(),
    keepAlive: new KeepAlive(),
  }
  const open = new Set<McpOpen>()
  const over = (one: McpOpen) => void open.delete(one)
  return {
    name: 'native',
    kindOf: (request, body) => {
      if (request.method !== 'POST') return 'call'
      const frame = readFrame(body)
      if (frame.kind !== 'request' || !claimsModern(frame.params)) return 'call'
      return engine.isStream(frame.method) ? 'stream' : 'call'
    },
    handleHttp: (request: Request, body: unknown, asking: McpAsking): McpHttpExchange => {
      const exchange = new HttpExchange(parts, request, body, asking, over)
      open.add(exchange)
      return exchange
    },
    openSse: () => {
      throw new Error('not yet')
    },
    postSse: () => Promise.reject(new Error('not yet')),
    serveStdio: () => {
      throw new Error('not yet')
    },
    close: async () => {
      await Promise.all([...open].map(closeInTime))
    },
  }
}

/** What does not end by itself is cut. */
async function closeInTime(one: McpOpen): Promise<void> {
  const late = setTimeout(() => one.cut(), bounds.endingMs)
  try {
    await one.close()
  } finally {
    clearTimeout(late)
    one.cut()
  }
}

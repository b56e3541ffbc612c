/**
 * The adapter `native`: MCP without a library, over Streamable HTTP, HTTP+SSE and stdio, in all supported revisions.
 */
import { ClientRequests } from './client-requests.ts'
import { HttpSessions } from './http-sessions.ts'
import type { McpAdapterOptions, McpOpen, McpPort } from './mcp-port.ts'
import { NativeEngine } from './native-engine.ts'
import { EventStream, KeepAlive } from './native-event-stream.ts'
import { readFrame } from './native-frames.ts'
import { HttpExchange, type HttpParts } from './native-http.ts'
import { standsFor } from './native-http-request.ts'
import { bounds } from './native-protocol.ts'
import { FrameQueue } from './native-queue.ts'
import { NativeSession } from './native-session.ts'
import { carryStdio } from './native-stdio.ts'

export function createNativeAdapter(options: McpAdapterOptions): McpPort {
  const engine = new NativeEngine(options)
  const keepAlive = new KeepAlive()
  const parts: HttpParts = {
    engine,
    sessions: new HttpSessions(options.stateKey),
    requests: new ClientRequests(),
    keepAlive,
  }
  const open = new Set<McpOpen>()
  const keep = (one: McpOpen, over: Promise<void>) => {
    open.add(one)
    void over.then(() => open.delete(one))
  }
  return {
    name: 'native',
    kindOf: (request, body) => {
      if (request.method !== 'POST') return standsFor(request) ? 'stream' : 'call'
      const frame = readFrame(body)
      if (frame.kind !== 'request' || !engine.isStream(frame.method)) return 'call'
      return engine.isOfExtension(frame.method) ? 'events' : 'stream'
    },
    handleHttp: (request, body, context) => {
      const exchange = new HttpExchange(parts, request, body, context)
      keep(exchange, exchange.over)
      return exchange
    },
    openSse: (endpoint, options) => {
      const queue = new FrameQueue()
      const session = new NativeSession(engine, options, queue)
      keep(session, session.ended)
      const first = `event: endpoint\ndata: ${endpoint}\n\n`
      const stream = new EventStream(queue, keepAlive, () => session.over(), first)
      const broken = new Error('the session was cut')
      void session.ended.then(() => stream.break(broken))
      return Object.assign(session, { body: stream.body })
    },
    postSse: async (session, body, context) => {
      // Sessions come from `openSse` of this adapter.
      return (session as NativeSession).receive(body, context) ? 202 : 400
    },
    serveStdio: (streams, options) => {
      const queue = new FrameQueue()
      const session = new NativeSession(engine, options, queue)
      keep(session, session.ended)
      carryStdio(streams, session, queue, body => void session.receive(body, options.context))
      return session
    },
    close: async () => {
      await Promise.all([...open].map(closeInTime))
    },
  }
}

/** Closes it, and cuts what does not end in time. */
async function closeInTime(one: McpOpen): Promise<void> {
  const late = setTimeout(() => one.cut(), bounds.endingMs)
  try {
    await one.close()
  } finally {
    clearTimeout(late)
    one.cut()
  }
}

/** An MCP client that sends raw frames and returns what comes back, for suites that inspect the bytes. */
import { PassThrough } from 'node:stream'
import type { McpContext, McpHttpExchange, McpPort, McpRevision, McpSession } from '../../server/mcp/mcp-port.ts'
import { everyScope, type Principal } from '../../server/platform/principal.ts'

export type Frame = Record<string, unknown> & {
  id?: unknown
  method?: string
  params?: Record<string, unknown>
  result?: Record<string, unknown>
  error?: { code: number; message: string; data?: Record<string, unknown> }
}

export const modern = '2026-07-28'
export const legacy = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'] as const
const meta = 'io.modelcontextprotocol'

export function principal(id: string): Principal {
  return { id, name: id, kind: 'token', userId: null, scopes: everyScope, accounts: 'all' }
}

export function asking(id = 'ann', signal = new AbortController().signal): McpContext {
  return { caller: { principal: principal(id), address: '192.0.2.1', userAgent: 'test' }, requestId: 'r-1', signal }
}

export interface Sending {
  capabilities?: object
  by?: string
  headers?: Record<string, string>
  /** Aborts when the client disconnects. */
  signal?: AbortSignal
  /** Aborts when the caller's rights end. */
  ending?: AbortSignal
  logLevel?: string
  progressToken?: string
  id?: unknown
}

/** Builds a 2026 request, which is self-contained. */
export function modernFrame(method: string, params: object = {}, sending: Sending = {}): Frame {
  const { capabilities = {}, logLevel, progressToken, id = 1 } = sending
  const _meta = {
    [`${meta}/protocolVersion`]: modern,
    [`${meta}/clientInfo`]: { name: 'peer', version: '7' },
    [`${meta}/clientCapabilities`]: capabilities,
    ...(logLevel ? { [`${meta}/logLevel`]: logLevel } : {}),
    ...(progressToken ? { progressToken } : {}),
    ...('_meta' in params && typeof params._meta === 'object' ? params._meta : {}),
  }
  return { jsonrpc: '2.0', id, method, params: { ...params, _meta } }
}

export function send(port: McpPort, body: unknown, sending: Sending = {}, method = 'POST'): McpHttpExchange {
  const { headers = {}, signal = new AbortController().signal, by, ending } = sending
  const all = { 'content-type': 'application/json', accept: 'application/json, text/event-stream', ...headers }
  const request = new Request('http://rustymail.invalid/mcp', { method, headers: all, signal })
  return port.handleHttp(request, body, asking(by, ending))
}

export function sendModern(port: McpPort, method: string, params: object = {}, sending: Sending = {}) {
  const name = 'name' in params ? params.name : 'uri' in params ? params.uri : undefined
  const headers = {
    'mcp-protocol-version': modern,
    'mcp-method': method,
    ...(name === undefined ? {} : { 'mcp-name': String(name) }),
    ...sending.headers,
  }
  return send(port, modernFrame(method, params, sending), { ...sending, headers })
}

/** Returns all frames of an answer, be it a single one or a stream that ends. */
export async function framesOf(response: Pick<Response, 'text' | 'headers'>): Promise<Frame[]> {
  const text = await response.text()
  if (text === '') return []
  if (!response.headers.get('content-type')?.startsWith('text/event-stream')) return [JSON.parse(text)].flat()
  return text.split('\n\n').flatMap(frameIn)
}

export async function answerOf(exchange: McpHttpExchange): Promise<Frame & { status: number }> {
  const response = await exchange.response
  const frames = await framesOf(response)
  const answer = frames.find(frame => !frame.method) ?? frames.at(-1) ?? {}
  return { ...answer, status: response.status }
}

export async function requestModern(port: McpPort, method: string, params: object = {}, sending: Sending = {}) {
  return answerOf(sendModern(port, method, params, sending))
}

function frameIn(event: string): Frame[] {
  const data = event
    .split('\n')
    .filter(line => line.startsWith('data:'))
    .map(line => line.slice(5).trim())
    .join('\n')
  return data === '' || event.startsWith('event: endpoint') ? [] : [JSON.parse(data)].flat()
}

/** Reads frames one by one, each no sooner than requested. */
export function readerOf(body: ReadableStream<Uint8Array>) {
  const reader = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader()
  let rest = ''
  const queue: Frame[] = []
  const next = async (): Promise<Frame | undefined> => {
    for (;;) {
      const frame = queue.shift()
      if (frame) return frame
      const { done, value = '' } = await reader.read()
      if (done) return undefined
      const parts = (rest + value).split('\n\n')
      rest = parts.pop() ?? ''
      queue.push(...parts.flatMap(frameIn))
    }
  }
  return { next, cancel: () => reader.cancel() }
}

export interface LegacyClient {
  session: string | undefined
  revision: McpRevision
  initialized: Frame
  send(frame: Frame | Frame[], sending?: Sending): McpHttpExchange
  ask(method: string, params?: object, sending?: Sending): Promise<Frame & { status: number }>
  /** Opens a stream with GET. */
  stream(sending?: Sending): McpHttpExchange
}

/** Connects as a client before 2026 does: with a handshake over HTTP. */
export async function connectLegacy(
  port: McpPort,
  revision: (typeof legacy)[number],
  capabilities: object = {},
  by = 'ann',
): Promise<LegacyClient> {
  const params = { protocolVersion: revision, capabilities, clientInfo: { name: 'old peer', version: '1' } }
  const { response } = send(port, { jsonrpc: '2.0', id: 0, method: 'initialize', params }, { by })
  const answer = await response
  const session = answer.headers.get('mcp-session-id') ?? undefined
  const [initialized = {}] = await framesOf(answer)
  return legacyClient(port, { session, revision, initialized, by })
}

export function legacyClient(
  port: McpPort,
  {
    session,
    revision,
    initialized,
    by,
  }: { session: string | undefined; revision: McpRevision; initialized: Frame; by: string },
): LegacyClient {
  const headers = {
    ...(session ? { 'mcp-session-id': session } : {}),
    ...(revision >= '2025-06-18' ? { 'mcp-protocol-version': revision } : {}),
  }
  const request = (frame: Frame | Frame[] | undefined, sending: Sending, method: string) =>
    send(port, frame, { by, ...sending, headers: { ...headers, ...sending.headers } }, method)
  return {
    session,
    revision,
    initialized,
    send: (frame, sending = {}) => request(frame, sending, 'POST'),
    ask: (method, params = {}, sending = {}) => {
      const { progressToken, id = 1 } = sending
      const about = progressToken ? { ...params, _meta: { progressToken } } : params
      return answerOf(request({ jsonrpc: '2.0', id, method, params: { ...about } }, sending, 'POST'))
    },
    stream: (sending = {}) => request(undefined, sending, 'GET'),
  }
}

/** Connects over a pair of pipes. */
export function connectStdio(port: McpPort, options: Partial<Parameters<McpPort['serveStdio']>[1]> = {}) {
  const [input, output] = [new PassThrough(), new PassThrough()]
  const session: McpSession = port.serveStdio({ input, output }, { context: asking(), ...options })
  const lines: Frame[] = []
  let rest = ''
  const woken: (() => void)[] = []
  output.on('data', (data: Buffer) => {
    const parts = (rest + data.toString()).split('\n')
    rest = parts.pop() ?? ''
    lines.push(...parts.map(line => JSON.parse(line)))
    for (const wake of woken.splice(0)) wake()
  })
  /** Removes and returns the first frame that matches, waiting for it. */
  const until = async (fits: (frame: Frame) => boolean): Promise<Frame> => {
    for (;;) {
      const at = lines.findIndex(fits)
      if (at >= 0) return lines.splice(at, 1)[0]!
      await new Promise<void>(resolve => woken.push(resolve))
    }
  }
  let last = 0
  const write = (frame: unknown) => void input.write(`${JSON.stringify(frame)}\n`)
  const ask = async (frame: Frame): Promise<Frame> => {
    const id = frame.id ?? ++last
    write({ jsonrpc: '2.0', ...frame, id })
    return until(line => line.id === id && !line.method)
  }
  return { session, input, output, write, ask, until, lines }
}

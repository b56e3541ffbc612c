/** The native adapter over a small in-memory offer, and raw clients over HTTP, HTTP+SSE and stdio. */
import { PassThrough } from 'node:stream'
import { onTestFinished } from 'vitest'
import {
  type McpCallContext,
  type McpChange,
  type McpContext,
  McpError,
  type McpExtension,
  type McpHttpExchange,
  type McpInputRequired,
  type McpOffer,
  type McpPromptResult,
  type McpResult,
  type McpSessionOptions,
  mcpErrors,
} from '../../server/mcp/mcp-port.ts'
import { createNativeAdapter } from '../../server/mcp/native-adapter.ts'
import { everyScope } from '../../server/platform/principal.ts'
import { Problem } from '../../server/platform/problem.ts'

export const modern = '2026-07-28'
export const stateKey = new Uint8Array(32).fill(7)

export type Json = Record<string, unknown>

const says = (text: string): McpResult => ({ content: [{ type: 'text', text }] })

/** Running calls of the tool `wait`; each ends when resolved, and `hold` only when the test releases it. */
export interface Running {
  name: string
  context: McpCallContext
  release(): void
}

export function smallOffer(more: Partial<McpOffer> = {}) {
  const running: Running[] = []
  const held = (name: string, context: McpCallContext) => {
    const { promise, resolve, reject } = Promise.withResolvers<McpResult>()
    running.push({ name, context, release: () => resolve(says('released')) })
    const end = () => {
      const { reason } = context.signal
      if (reason instanceof Problem) resolve({ isError: true, ...says(reason.code) })
      else reject(new Error('gone'))
    }
    if (name === 'wait') context.signal.addEventListener('abort', end, { once: true })
    return promise
  }
  const ask = (context: McpCallContext): McpResult | McpInputRequired => {
    if (context.inputResponses) return says(JSON.stringify([context.inputResponses, context.state ?? null]))
    const params = { mode: 'url', message: 'Look', url: 'https://mail.example/approve', elicitationId: 'e-1' } as const
    return {
      inputRequests: { look: { method: 'elicitation/create', params } },
      state: { n: 1 },
      otherwise: says('unasked'),
    }
  }
  const run = async (name: string, input: unknown, context: McpCallContext): Promise<McpResult | McpInputRequired> => {
    if (name === 'echo') return { ...says(JSON.stringify(input ?? null)), structuredContent: { input: input ?? null } }
    if (name === 'wait' || name === 'hold') return held(name, context)
    if (name === 'ask') return ask(context)
    if (name === 'count') {
      for (let progress = 1; progress <= 500; progress++) context.progress({ progress, total: 500, message: 'on' })
      return says('counted')
    }
    if (name === 'who') {
      const { revision, peer, capabilities, caller } = context
      return says(JSON.stringify({ revision, peer, capabilities, id: caller.principal.id }))
    }
    if (name === 'bug') throw new Error('SECRET of the inside')
    if (name === 'refused') throw new Problem('forbidden', 'Not for you.')
    throw new McpError(mcpErrors.invalidParams, `There is no tool ${name.slice(0, 20)}.`)
  }
  const tool = (name: string) => ({ name, title: name, inputSchema: { type: 'object' as const } })
  const tools = ['echo', 'wait', 'hold', 'ask', 'count', 'who', 'bug', 'refused'].map(tool)
  const prompts = [{ name: 'triage', arguments: [{ name: 'days', required: true }] }]
  const resources = [{ uri: 'mail://a/1', name: 'One', mimeType: 'text/plain' }]
  const offer: McpOffer = {
    info: { name: 'rustymail', title: 'RustyMail', version: '1', instructions: 'Do.' },
    extensions: [counter],
    has: { resources: true, prompts: true, completions: true, logging: true },
    catalogue: () => ({ tools, resources, resourceTemplates: [], prompts }),
    call: run,
    readResource: async uri => {
      if (uri.startsWith('mail://a/')) return [{ uri, text: 'text' }]
      throw new McpError(mcpErrors.invalidParams, 'There is no such resource.', { uri: uri.slice(0, 50) })
    },
    checkSubscription: async uri => {
      if (!uri.startsWith('mail://a/')) throw new Problem('not_found', 'There is no such resource.')
    },
    getPrompt: async (name, input): Promise<McpPromptResult> => {
      if (name !== 'triage') throw new McpError(mcpErrors.invalidParams, 'There is no such prompt.')
      return { messages: [{ role: 'user', content: { type: 'text', text: `of ${input.days} days` } }] }
    },
    complete: async (_of, { value }) => ({
      values: Array.from({ length: 150 }, (_, at) => `${value.slice(0, 20)}${at}`),
    }),
    ...more,
  }
  return { offer, running }
}

const counter: McpExtension = {
  name: 'org.example/counter',
  settings: { steps: 1 },
  methods: {
    'counter/add': { isStream: false, answer: async ({ a }) => ({ sum: Number(a) + 1 }) },
    'counter/stream': {
      isStream: true,
      answer: async ({ from }, { notify, signal }) => {
        if (typeof from !== 'number') throw new McpError(mcpErrors.invalidParams, 'From where?')
        let at = from
        while (!signal.aborted) await notify('notifications/count', { at: at++ })
        return { at }
      },
    },
  },
}

export function caller(id = 'p') {
  const principal = { id, name: id, kind: 'token', userId: null, scopes: everyScope, accounts: 'all' } as const
  return { principal, address: '192.0.2.1', userAgent: '' }
}

export function startNative(more: Partial<McpOffer> = {}) {
  const { offer, running } = smallOffer(more)
  const faults: Error[] = []
  const port = createNativeAdapter({
    offer,
    stateKey,
    onFault: error => void faults.push(error),
    onPeerFault: () => undefined,
  })
  onTestFinished(() => port.close())
  const asking = (id?: string): McpContext & { end(problem?: Problem): void } => {
    const ending = new AbortController()
    return { caller: caller(id), requestId: 'r', signal: ending.signal, end: problem => ending.abort(problem) }
  }
  /** Sends anything unchanged. */
  const send = (body: unknown, headers: Record<string, string> = {}, { method = 'POST', id = 'p' } = {}) => {
    const leaving = new AbortController()
    const about = { 'content-type': 'application/json', accept: 'application/json, text/event-stream', ...headers }
    const request = new Request('http://rustymail.invalid/mcp', { method, headers: about, signal: leaving.signal })
    const own = asking(id)
    const exchange = port.handleHttp(request, body, own)
    return { exchange, asking: own, request, leave: () => leaving.abort() }
  }
  /** Sends a correct 2026 request. */
  const ask = (method: string, params: Json = {}, { id = 1, meta = {}, ...more }: AskOptions = {}) => {
    const { name, uri } = params
    const named = [name, uri].find(value => typeof value === 'string') as string | undefined
    const headers = {
      'mcp-protocol-version': modern,
      'mcp-method': method,
      ...(named === undefined ? {} : { 'mcp-name': named }),
      ...more.headers,
    }
    const body = {
      jsonrpc: '2.0',
      id,
      method,
      params: { ...params, _meta: { ...introduction(more.capabilities), ...meta } },
    }
    return send(body, headers, more.principal === undefined ? {} : { id: more.principal })
  }
  return { port, offer, running, faults, send, ask, asking }
}

export interface AskOptions {
  id?: string | number
  meta?: Json
  headers?: Record<string, string>
  capabilities?: Json
  principal?: string
}

export function introduction(capabilities: Json = {}): Json {
  return {
    'io.modelcontextprotocol/protocolVersion': modern,
    'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
    'io.modelcontextprotocol/clientCapabilities': capabilities,
  }
}

/** Returns the JSON of an answer that is not a stream. */
export async function answerOf({ exchange }: { exchange: McpHttpExchange }): Promise<{ status: number } & Json> {
  const response = await exchange.response
  const text = await response.text()
  return { status: response.status, ...(text === '' ? {} : JSON.parse(text)) }
}

/** Reads the messages of a stream one by one; undefined at its end. */
export function eventsOf(body: ReadableStream<Uint8Array>) {
  const reader = body.getReader()
  let rest = ''
  const next = async (): Promise<Json | undefined> => {
    for (;;) {
      const end = rest.indexOf('\n\n')
      if (end >= 0) {
        const event = rest.slice(0, end)
        rest = rest.slice(end + 2)
        const data = /^data: (.*)$/m.exec(event)?.[1]
        if (data?.startsWith('{') || data?.startsWith('[')) return JSON.parse(data)
        if (data !== undefined) return { data }
        continue
      }
      const { done, value } = await reader.read()
      if (done) return undefined
      rest += Buffer.from(value).toString('utf8')
    }
  }
  return { next, cancel: () => reader.cancel() }
}

/** Opens a stdio session, with lines in both directions. */
export function overStdio(port: ReturnType<typeof startNative>['port'], options: McpSessionOptions) {
  const [input, output] = [new PassThrough(), new PassThrough()]
  const session = port.serveStdio({ input, output }, options)
  const lines: string[] = []
  const waiting: ((line: string | undefined) => void)[] = []
  let rest = ''
  const give = (line: string | undefined) => {
    const taker = waiting.shift()
    if (taker) taker(line)
    else if (line !== undefined) lines.push(line)
  }
  const listen = () =>
    output.on('data', (chunk: Buffer) => {
      const parts = (rest + chunk.toString('utf8')).split('\n')
      rest = parts.pop() ?? ''
      for (const line of parts) give(line)
    })
  void session.ended.then(() => {
    for (const taker of waiting.splice(0)) taker(undefined)
  })
  const next = async (): Promise<Json | undefined> => {
    const line = lines.shift() ?? (await new Promise<string | undefined>(resolve => waiting.push(resolve)))
    return line === undefined ? undefined : JSON.parse(line)
  }
  const write = (...frames: unknown[]) =>
    input.write(frames.map(frame => `${typeof frame === 'string' ? frame : JSON.stringify(frame)}\n`).join(''))
  return { session, input, output, write, next, listen }
}

export const handshake = (revision: string, capabilities: Json = {}) => ({
  jsonrpc: '2.0',
  id: 'hello',
  method: 'initialize',
  params: { protocolVersion: revision, capabilities, clientInfo: { name: 'test', version: '1' } },
})

export const request = (id: string | number, method: string, params: Json = {}) => ({
  jsonrpc: '2.0',
  id,
  method,
  params,
})

export const toolsChanged: McpChange = { of: 'tools' }

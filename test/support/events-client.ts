/**
 * A client of MCP Events without a library: one JSON-RPC message per request, as in revision 2026-07-28, and streams of
 * messages.
 */
import { onTestFinished, vi } from 'vitest'
import { mcpPath } from '../../contract/mcp.ts'
import { patience } from './patience.ts'
import type { Proof } from './people.ts'

export interface RpcError {
  code: number
  message: string
  data?: Record<string, unknown>
}

// biome-ignore lint/suspicious/noExplicitAny: what comes is asserted by the tests
type Json = Record<string, any>

function requestOf(proof: Proof, id: string | number, method: string, params: object): RequestInit {
  const meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1.0.0' },
    'io.modelcontextprotocol/clientCapabilities': { extensions: { 'io.modelcontextprotocol/events': {} } },
  }
  const headers = {
    ...proof,
    ...{ 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
    ...{ 'mcp-protocol-version': '2026-07-28', 'mcp-method': method },
  }
  return {
    method: 'POST',
    headers,
    body: JSON.stringify({ jsonrpc: '2.0', id, method, params: { ...params, _meta: meta } }),
  }
}

let count = 0

/** @returns The result, or throws the error as it came. */
export async function ask(url: string, proof: Proof, method: string, params: object = {}): Promise<Json> {
  const response = await fetch(url + mcpPath, requestOf(proof, ++count, method, params))
  const text = await response.text()
  // A server may answer as a stream of one message.
  const line = text.startsWith('{') ? text : /^data: (\{.*)$/m.exec(text)?.[1]
  const message = JSON.parse(line ?? 'null') as { result?: Json; error?: RpcError } | null
  if (message?.result) return message.result
  throw Object.assign(new Error(message?.error?.message ?? `${response.status} ${text}`), message?.error)
}

export const refusal = (asked: Promise<unknown>): Promise<Partial<RpcError>> =>
  asked.then(
    () => ({ message: 'it was answered' }),
    (error: Partial<RpcError> & Error) => ({
      ...(error.code !== undefined && { code: error.code }),
      message: error.message,
      ...(error.data && { data: error.data }),
    }),
  )

/** An open `events/stream` and all messages it received. Closed when the test ends. */
export class EventsStream {
  readonly messages: Json[] = []
  readonly id = `stream-${++count}`
  isOver = false
  readonly #left = new AbortController()

  /** Resolves once the server has confirmed it. */
  async open(url: string, proof: Proof, params: object): Promise<this> {
    onTestFinished(() => this.leave())
    const asked = requestOf(proof, this.id, 'events/stream', params)
    const response = await fetch(url + mcpPath, { ...asked, signal: this.#left.signal })
    void this.#read(response).catch(() => undefined)
    await this.until(() => this.messages.length > 0 || this.isOver)
    return this
  }

  leave(): void {
    this.#left.abort()
  }

  of(kind: string): Json[] {
    return this.messages.filter(({ method }) => method === `notifications/events/${kind}`).map(({ params }) => params)
  }

  get events(): Json[] {
    return this.of('event')
  }

  until(holds: () => boolean): Promise<void> {
    return vi.waitFor(() => {
      if (!holds()) throw new Error(JSON.stringify(this.messages).slice(0, 2_000))
    }, patience)
  }

  async #read(response: Response): Promise<void> {
    let rest = ''
    const decoder = new TextDecoder()
    try {
      for await (const bytes of response.body!) {
        rest += decoder.decode(bytes as Uint8Array, { stream: true })
        const frames = rest.split('\n\n')
        rest = frames.pop()!
        for (const frame of frames) {
          const data = /^data: (.*)$/m.exec(frame)?.[1]
          if (data) this.messages.push(JSON.parse(data))
        }
      }
    } finally {
      this.isOver = true
    }
  }
}

/** A model provider on loopback that speaks the real wire format of OpenAI, OpenRouter or RIG, and misbehaves on demand. */
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setImmediate } from 'node:timers/promises'

export type Dialect = 'openai' | 'openrouter' | 'rig'

export type Behaviour =
  | { does: 'answer'; pieces: readonly string[] }
  /** Sends the bytes of the answer three at a time, so that borders fall inside characters. */
  | { does: 'answer in crumbs'; pieces: readonly string[] }
  /** Sends these pieces and then nothing more. */
  | { does: 'stall'; pieces: readonly string[] }
  /** Sends these pieces and then tears the connection. */
  | { does: 'tear'; pieces: readonly string[] }
  /** Sends these pieces and then ends in good order, but for the reason to finish. */
  | { does: 'trail off'; pieces: readonly string[] }
  /** Sends these pieces and then an error inside the stream. */
  | { does: 'fail inside'; pieces: readonly string[]; words: string }
  | { does: 'refuse'; status: number; words: string; retryAfter?: string | undefined }
  | { does: 'send'; status: number; type: string; body: string }
  | { does: 'redirect'; to: string }
  /** Refuses with a page that has no end. */
  | { does: 'flood' }

interface ReceivedRequest {
  path: string
  headers: IncomingHttpHeaders
  body: Record<string, unknown>
}

export const usage = { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 }

export class ModelStandIn {
  readonly requests: ReceivedRequest[] = []
  /** Requests whose connection was closed by the other side before the answer was whole. */
  abandoned = 0
  readonly #server: Server
  readonly #dialect: Dialect
  #behaviour: Behaviour = { does: 'answer', pieces: ['yes'] }

  private constructor(dialect: Dialect) {
    this.#dialect = dialect
    this.#server = createServer(async (request, response) => {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk)
      const body = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>
      response.once('close', () => {
        if (!response.writableFinished) this.abandoned += 1
      })
      this.requests.push({ path: request.url ?? '', headers: request.headers, body })
      await this.#respond(response)
    })
  }

  static async start(dialect: Dialect, behaviour?: Behaviour): Promise<ModelStandIn> {
    const standIn = new ModelStandIn(dialect)
    if (behaviour) standIn.behave(behaviour)
    standIn.#server.listen(0, '127.0.0.1')
    await once(standIn.#server, 'listening')
    return standIn
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  behave(behaviour: Behaviour): void {
    this.#behaviour = behaviour
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return
    this.#server.close()
    this.#server.closeAllConnections()
    await once(this.#server, 'close')
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #respond(response: ServerResponse): Promise<void> {
    const behaviour = this.#behaviour
    if (behaviour.does === 'redirect') return void response.writeHead(307, { location: behaviour.to }).end()
    if (behaviour.does === 'flood') return this.#flood(response)
    if (behaviour.does === 'send') {
      return void response.writeHead(behaviour.status, { 'content-type': behaviour.type }).end(behaviour.body)
    }
    if (behaviour.does === 'refuse') {
      const body = this.#dialect === 'rig' ? { error: behaviour.words } : { error: openAiError(behaviour.words) }
      const after = behaviour.retryAfter === undefined ? {} : { 'retry-after': behaviour.retryAfter }
      const head = { 'content-type': 'application/json', ...after }
      return void response.writeHead(behaviour.status, head).end(JSON.stringify(body))
    }
    const [head, tail] = this.#dialect === 'rig' ? rigBody(behaviour.pieces) : this.#streamBody(behaviour.pieces)
    response.writeHead(200, { 'content-type': this.#dialect === 'rig' ? 'application/json' : 'text/event-stream' })
    if (behaviour.does === 'answer') return void response.end(head + tail)
    if (behaviour.does === 'answer in crumbs') return crumble(response, Buffer.from(head + tail))
    response.write(head)
    if (behaviour.does === 'trail off') response.end()
    if (behaviour.does === 'fail inside') response.end(data({ error: { ...openAiError(behaviour.words), code: 502 } }))
    if (behaviour.does === 'tear') setTimeout(() => response.destroy(), 20)
  }

  /** What comes before the end, and the end. */
  #streamBody(pieces: readonly string[]): [string, string] {
    const comment = this.#dialect === 'openrouter' ? ': OPENROUTER PROCESSING\n\n' : ''
    const deltas = pieces.map(content => data(chunk([{ index: 0, delta: { content }, finish_reason: null }])))
    const opening = data(chunk([{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null }]))
    return [
      comment + opening + deltas.join(comment),
      `${data(chunk([{ index: 0, delta: {}, finish_reason: 'stop' }]))}${data({ ...chunk([]), usage })}data: [DONE]\n\n`,
    ]
  }

  async #flood(response: ServerResponse): Promise<void> {
    response.writeHead(500, { 'content-type': 'text/html' })
    const page = Buffer.alloc(64 * 1024, 'flood ')
    while (!response.destroyed) {
      response.write(page)
      await setImmediate()
    }
  }
}

function rigBody(pieces: readonly string[]): [string, string] {
  const body = JSON.stringify({ response: pieces.join('') })
  return [body.slice(0, -4), body.slice(-4)]
}

function chunk(choices: unknown[]) {
  return { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1_790_000_000, model: 'stand-in-1', choices }
}

function openAiError(message: string) {
  return { message, type: 'invalid_request_error', param: null, code: null }
}

function data(value: unknown): string {
  return `data: ${JSON.stringify(value)}\n\n`
}

async function crumble(response: ServerResponse, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length; at += 3) {
    response.write(bytes.subarray(at, at + 3))
    await setImmediate()
  }
  response.end()
}

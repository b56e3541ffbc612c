/** A model provider on loopback that speaks the real wire format of OpenAI, Anthropic, Gemini and others, and misbehaves on demand. */
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import { setImmediate } from 'node:timers/promises'
import { LocalServer } from './local-server.ts'
import { type Dialect, type Spoken, type SpokenCall, usage, type Wire, wireOf } from './model-dialects.ts'

export { type Dialect, usage }

export type Behaviour =
  | ({ does: 'answer' } & Spoken)
  /** Sends the bytes of the answer three at a time, so that characters and frames are split. */
  | ({ does: 'answer in crumbs' } & Spoken)
  /** Sends these pieces and then nothing more. */
  | ({ does: 'stall' } & Spoken)
  /** Sends these pieces and then resets the connection. */
  | ({ does: 'tear' } & Spoken)
  /** Sends these pieces and ends cleanly, but without a finish reason. */
  | ({ does: 'trail off' } & Spoken)
  /** Sends these pieces and then an error inside the stream. */
  | ({ does: 'fail inside'; words: string } & Spoken)
  | { does: 'refuse'; status: number; words: string; retryAfter?: string | undefined }
  | { does: 'send'; status: number; type: string; body: string }
  | { does: 'redirect'; to: string }
  /** Refuses with an endless body. */
  | { does: 'flood' }
  /** Plays the test's script. */
  | { does: 'play'; script: Play }

/** @param body The request's body. @param signal Aborts when the client disconnects. */
export type Play = (body: Record<string, unknown>, signal: AbortSignal) => AsyncIterable<Partial<Spoken>>

interface ReceivedRequest {
  method: string
  path: string
  headers: IncomingHttpHeaders
  body: Record<string, unknown>
}

export class ModelStandIn extends LocalServer {
  readonly requests: ReceivedRequest[] = []
  /** Requests whose connection the client closed before the answer was complete. */
  abandoned = 0
  /** The models that it lists. */
  models: readonly string[] = ['stand-in-1', 'stand-in-2']
  readonly #wire: Wire
  #behaviour: Behaviour = { does: 'answer', pieces: ['yes'] }

  private constructor(dialect: Dialect) {
    super(createServer((request, response) => void this.#take(request, response)))
    this.#wire = wireOf(dialect)
  }

  static async start(dialect: Dialect, behaviour?: Behaviour): Promise<ModelStandIn> {
    const standIn = new ModelStandIn(dialect)
    if (behaviour) standIn.behave(behaviour)
    standIn.server.listen(0, '127.0.0.1')
    await once(standIn.server, 'listening')
    return standIn
  }

  behave(behaviour: Behaviour): void {
    this.#behaviour = behaviour
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const text = Buffer.concat(chunks).toString()
    response.once('close', () => {
      if (!response.writableFinished) this.abandoned += 1
    })
    const { method = '', url: path = '', headers } = request
    const body = text === '' ? {} : JSON.parse(text)
    this.requests.push({ method, path, headers, body })
    await this.#respond(response, method === 'GET', body)
  }

  async #respond(response: ServerResponse, isForModels: boolean, asked: Record<string, unknown>): Promise<void> {
    const behaviour = this.#behaviour
    if (behaviour.does === 'redirect') return void response.writeHead(307, { location: behaviour.to }).end()
    if (behaviour.does === 'flood') return this.#flood(response)
    if (behaviour.does === 'send') {
      return void response.writeHead(behaviour.status, { 'content-type': behaviour.type }).end(behaviour.body)
    }
    if (behaviour.does === 'refuse') {
      const after = behaviour.retryAfter === undefined ? {} : { 'retry-after': behaviour.retryAfter }
      const head = { 'content-type': 'application/json', ...after }
      return void response.writeHead(behaviour.status, head).end(JSON.stringify(this.#wire.refusal(behaviour.words)))
    }
    if (isForModels) {
      const body = JSON.stringify(this.#wire.models(this.models))
      return void response.writeHead(200, { 'content-type': 'application/json' }).end(body)
    }
    if (behaviour.does === 'play') return this.#play(response, behaviour.script, asked)
    const [head, tail] = this.#wire.body(behaviour)
    response.writeHead(200, { 'content-type': this.#wire.type })
    if (behaviour.does === 'answer') return void response.end(head + tail)
    if (behaviour.does === 'answer in crumbs') return crumble(response, Buffer.from(head + tail))
    response.write(head)
    if (behaviour.does === 'trail off') response.end()
    if (behaviour.does === 'fail inside') response.end(this.#wire.errorInside(behaviour.words))
    if (behaviour.does === 'tear') setTimeout(() => response.destroy(), 20)
  }

  async #play(response: ServerResponse, script: Play, asked: Record<string, unknown>): Promise<void> {
    response.writeHead(200, { 'content-type': this.#wire.type }).flushHeaders()
    const gone = new AbortController()
    response.once('close', () => gone.abort())
    const calls: SpokenCall[] = []
    try {
      for await (const said of script(asked, gone.signal)) {
        if (gone.signal.aborted) return
        calls.push(...(said.calls ?? []))
        response.write(this.#wire.body({ pieces: [], ...said })[0])
      }
    } catch (error) {
      response.destroy(error instanceof Error ? error : undefined)
    }
    response.end(this.#wire.body({ pieces: [], calls })[1])
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

async function crumble(response: ServerResponse, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length; at += 3) {
    response.write(bytes.subarray(at, at + 3))
    await setImmediate()
  }
  response.end()
}

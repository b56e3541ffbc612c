/**
 * A receiver of webhooks behind TLS on this machine. What it takes is verified with what Node has, not with the library that the server signs by. Each
 * path is an endpoint of its own, with secrets, and answers of its own.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { onTestFinished } from 'vitest'
import { type Certificate, selfSigned } from './tls.ts'

export interface TakenWebhook {
  path: string
  id: string
  headers: IncomingMessage['headers']
  body: Record<string, unknown>
  text: string
}

/** What is done with a request in place of taking it. */
export type SinkAnswer = (response: ServerResponse, request: IncomingMessage) => void

export const answer =
  (status: number, headers: Record<string, string> = {}, text = 'no'): SinkAnswer =>
  response => {
    response.writeHead(status, headers).end(text)
  }
export const hang: SinkAnswer = () => undefined
/** An answer of 10 MB. */
export const flood: SinkAnswer = response => {
  response.writeHead(200).end('x'.repeat(10_000_000))
}

export const newSecret = () => `whsec_${randomBytes(32).toString('base64')}`

export class WebhookSink {
  readonly taken: TakenWebhook[] = []
  /** Requests that came, taken or not, by path. */
  readonly asked: string[] = []
  /** What was wrong with what came. */
  readonly faults: string[] = []
  readonly certFile: string
  /** Secrets of a path; a request has to be signed with one of them. */
  readonly secrets = new Map<string, string[]>()
  /** In turn, for one path each; what is not here is taken. Handshakes are passed, unless `refusesHandshakes`. */
  readonly answers = new Map<string, SinkAnswer[]>()
  /** For all that comes to a path. */
  readonly always = new Map<string, SinkAnswer>()
  /** By what is in it, for one path each; undefined takes it. */
  readonly judges = new Map<string, (body: TakenWebhook['body']) => SinkAnswer | undefined>()
  readonly refusesHandshakes = new Set<string>()
  /** Receivers that others wrote, by path; the sink looks at nothing that is for them. */
  readonly handlers = new Map<string, (request: Request) => Promise<Response>>()
  readonly #server
  #port = 0

  constructor({ certFile, keyFile }: Certificate) {
    this.certFile = certFile
    this.#server = createServer(
      { cert: readFileSync(certFile), key: readFileSync(keyFile) },
      (request, response) => void this.#take(request, response),
    )
  }

  /** @returns Its end, which the caller waits for. */
  async start(): Promise<() => Promise<void>> {
    this.#server.listen(this.#port, '127.0.0.1')
    await once(this.#server, 'listening')
    this.#port = (this.#server.address() as { port: number }).port
    const before = getCACertificates('default')
    setDefaultCACertificates([...before, readFileSync(this.certFile, 'utf8')])
    return async () => {
      setDefaultCACertificates(before)
      await this.close()
    }
  }

  /** As if it were away; `listen` brings it back. */
  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise(resolve => this.#server.close(resolve))
  }

  async listen(): Promise<void> {
    this.#server.listen(this.#port, '127.0.0.1')
    await once(this.#server, 'listening')
  }

  /** An endpoint that takes what is signed with the secret. */
  endpoint(name: string, ...secrets: string[]): { url: string; path: string; secret: string } {
    const path = `/hooks/${name}`
    const known = secrets.length > 0 ? secrets : [newSecret()]
    this.secrets.set(path, known)
    return { url: `https://localhost:${this.#port}${path}`, path, secret: known[0]! }
  }

  /** What a path has taken, without handshakes. */
  of({ path }: { path: string }): TakenWebhook[] {
    return this.taken.filter(each => each.path === path && each.body.type !== 'verification')
  }

  uniqueIds(endpoint: { path: string }): number {
    return new Set(this.of(endpoint).map(({ id }) => id)).size
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const path = (request.url ?? '').split('?')[0]!
    this.asked.push(path)
    const text = Buffer.concat(chunks).toString()
    const handler = this.handlers.get(path)
    try {
      if (handler) return await this.#handOn(handler, request, response, text)
      const body = JSON.parse(text) as Record<string, unknown>
      const id = this.#verify(path, request.headers, text)
      const isHandshake = body.type === 'verification'
      const scripted = this.always.get(path) ?? (isHandshake ? undefined : this.answers.get(path)?.shift())
      if (scripted) return scripted(response, request)
      const judged = this.judges.get(path)?.(body)
      if (judged) return judged(response, request)
      const taken = { path, id, headers: request.headers, body, text }
      this.taken.push(taken)
      if (!isHandshake) return void response.writeHead(204).end()
      const challenge = this.refusesHandshakes.has(path) ? 'another' : body.challenge
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ challenge }))
    } catch (error) {
      this.faults.push(String(error))
      response.writeHead(400).end()
    }
  }

  async #handOn(
    handler: (request: Request) => Promise<Response>,
    { url = '', headers }: IncomingMessage,
    response: ServerResponse,
    text: string,
  ): Promise<void> {
    const given = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]))
    const asked = new Request(`https://localhost:${this.#port}${url}`, { method: 'POST', headers: given, body: text })
    const taken = await handler(asked)
    response.writeHead(taken.status, Object.fromEntries(taken.headers)).end(await taken.text())
  }

  /** Standard Webhooks: the signature over id, time and body, and a time of now. */
  #verify(path: string, headers: IncomingMessage['headers'], text: string): string {
    const [id, at, given] = ['id', 'timestamp', 'signature'].map(name => String(headers[`webhook-${name}`]))
    if (headers['content-type'] !== 'application/json') throw new Error(`content-type ${headers['content-type']}`)
    if (Math.abs(Date.now() / 1_000 - Number(at)) > 300) throw new Error(`of ${at}`)
    const signatures = given!.split(' ').map(each => Buffer.from(each.replace(/^v1,/, ''), 'base64'))
    const isSigned = (this.secrets.get(path) ?? []).some(secret => {
      const key = Buffer.from(secret.slice('whsec_'.length), 'base64')
      const wanted = createHmac('sha256', key).update(`${id}.${at}.${text}`).digest()
      return signatures.some(each => each.length === wanted.length && timingSafeEqual(each, wanted))
    })
    if (!isSigned) throw new Error(`not signed for ${path}: ${given}`)
    return id!
  }
}

/** Stopped when the test ends. */
export async function startWebhookSink(): Promise<WebhookSink> {
  const sink = new WebhookSink(selfSigned())
  onTestFinished(await sink.start())
  return sink
}

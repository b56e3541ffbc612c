/**
 * A receiver of webhooks behind TLS on this machine, which verifies them with what Node has and not with the server's
 * library. Each path is an endpoint with secrets and answers of its own.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import { onTestFinished } from 'vitest'
import { freePort } from './free-port.ts'
import { type Certificate, selfSigned, trust } from './tls.ts'

export interface TakenWebhook {
  path: string
  id: string
  headers: IncomingMessage['headers']
  body: Record<string, unknown>
  text: string
}

/** Handles a request instead of accepting it. */
export type SinkAnswer = (response: ServerResponse, request: IncomingMessage) => void

export const answer =
  (status: number, headers: Record<string, string> = {}, text = 'no'): SinkAnswer =>
  response => {
    response.writeHead(status, headers).end(text)
  }
export const hang: SinkAnswer = () => undefined
/** Answers with 10 MB. */
export const flood: SinkAnswer = response => {
  response.writeHead(200).end('x'.repeat(10_000_000))
}

export const newSecret = () => `whsec_${randomBytes(32).toString('base64')}`

export class WebhookSink {
  readonly taken: TakenWebhook[] = []
  /** Paths of all requests, accepted or not. */
  readonly asked: string[] = []
  /** Faults of the requests received. */
  readonly faults: string[] = []
  readonly certFile: string
  /** Secrets by path; a request must be signed with one of them. */
  readonly secrets = new Map<string, string[]>()
  /**
   * Answers to the next requests of a path, in order; once empty, requests are accepted. Handshakes pass, unless
   * `refusesHandshakes`.
   */
  readonly answers = new Map<string, SinkAnswer[]>()
  /** Answers to every request of a path. */
  readonly always = new Map<string, SinkAnswer>()
  /** Picks the answer by the body, per path; undefined accepts it. */
  readonly judges = new Map<string, (body: TakenWebhook['body']) => SinkAnswer | undefined>()
  readonly refusesHandshakes = new Set<string>()
  /** Third-party receivers by path; the sink does not inspect their requests. */
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

  /** @returns A function that stops it, to be awaited by the caller. */
  async start(): Promise<() => Promise<void>> {
    this.#port ||= await freePort()
    await this.listen()
    const distrust = trust(this.certFile)
    return async () => {
      distrust()
      await this.close()
    }
  }

  /** Stops listening, as if it were down; `listen` brings it back. */
  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise(resolve => this.#server.close(resolve))
  }

  async listen(): Promise<void> {
    this.#server.listen(this.#port, '127.0.0.1')
    await once(this.#server, 'listening')
  }

  /** Adds an endpoint that accepts what is signed with one of the secrets. */
  endpoint(name: string, ...secrets: string[]): { url: string; path: string; secret: string } {
    const path = `/hooks/${name}`
    const known = secrets.length > 0 ? secrets : [newSecret()]
    this.secrets.set(path, known)
    return { url: `https://localhost:${this.#port}${path}`, path, secret: known[0]! }
  }

  /** Returns what a path has accepted, without handshakes. */
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

  /** Verifies Standard Webhooks: a signature over id, time and body, and a current timestamp. */
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

/** Starts a sink that is stopped when the test ends. */
export async function startWebhookSink(): Promise<WebhookSink> {
  const sink = new WebhookSink(selfSigned())
  onTestFinished(await sink.start())
  return sink
}

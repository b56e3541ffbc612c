/**
 * A push service behind TLS, and browsers that subscribe there. It verifies and decrypts with what Node has, not with
 * the server's library: the signature (RFC 8292) and the content (RFC 8291 in RFC 8188).
 */
import {
  createDecipheriv,
  createECDH,
  createHash,
  createPublicKey,
  type ECDH,
  hkdfSync,
  randomBytes,
  verify,
} from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import { onTestFinished } from 'vitest'
import { type Certificate, selfSigned, trust } from './tls.ts'

export interface TakenPush {
  /** Name of the browser that it is for. */
  browser: string
  headers: IncomingMessage['headers']
  /** The decrypted JSON content. */
  content: Record<string, unknown>
  /** Size in bytes as received. */
  length: number
}

/** Handles a request instead of accepting it. */
export type PushAnswer = (response: ServerResponse) => void

export const refuse =
  (status: number, headers: Record<string, string> = {}): PushAnswer =>
  response => {
    response.writeHead(status, headers).end('no')
  }
/** Answers without an end. */
export const flood: PushAnswer = response => {
  response.writeHead(201)
  const pour = () => {
    while (!response.destroyed && response.write('x'.repeat(65_536)));
  }
  response.on('drain', pour)
  pour()
}

export class StandInBrowser {
  readonly name: string
  readonly endpoint: string
  readonly #pair: ECDH = createECDH('prime256v1')
  readonly #auth = randomBytes(16)

  constructor(name: string, origin: string) {
    this.name = name
    this.endpoint = `${origin}/push/${name}`
    this.#pair.generateKeys()
  }

  /** The subscription as `PushSubscription.toJSON()` returns it. */
  get subscription() {
    const keys = { p256dh: this.#pair.getPublicKey('base64url'), auth: this.#auth.toString('base64url') }
    return { endpoint: this.endpoint, keys }
  }

  decrypt(body: Buffer): string {
    const salt = body.subarray(0, 16)
    const keyLength = body.readUInt8(20)
    const sender = body.subarray(21, 21 + keyLength)
    const sealed = body.subarray(21 + keyLength)
    const derive = (key: Buffer, salted: Buffer, info: Buffer, length: number) =>
      Buffer.from(hkdfSync('sha256', key, salted, info, length))
    const info = Buffer.concat([Buffer.from('WebPush: info\0'), this.#pair.getPublicKey(), sender])
    const shared = derive(this.#pair.computeSecret(sender), this.#auth, info, 32)
    const key = derive(shared, salt, Buffer.from('Content-Encoding: aes128gcm\0'), 16)
    const nonce = derive(shared, salt, Buffer.from('Content-Encoding: nonce\0'), 12)
    const decipher = createDecipheriv('aes-128-gcm', key, nonce)
    decipher.setAuthTag(sealed.subarray(-16))
    const padded = Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()])
    const end = padded.lastIndexOf(2)
    if (end < 0 || padded.subarray(end + 1).some(byte => byte !== 0)) throw new Error('the record has no delimiter')
    return padded.subarray(0, end).toString('utf8')
  }
}

export class PushStandIn {
  readonly taken: TakenPush[] = []
  /** Number of requests, accepted or not. */
  asked = 0
  /** Faults of the requests received. */
  readonly faults: string[] = []
  /** Responses that are still pending. */
  readonly open = new Set<ServerResponse>()
  readonly certFile: string
  /** Answers to the next requests of a browser, in order; once empty, requests are accepted. */
  readonly answers = new Map<string, PushAnswer[]>()
  /** The key by which the server has to identify itself. */
  publicKey: string | undefined
  readonly #browsers = new Map<string, StandInBrowser>()
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
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    this.#port = (this.#server.address() as { port: number }).port
    const distrust = trust(this.certFile)
    return async () => {
      distrust()
      this.#server.closeAllConnections()
      await new Promise(resolve => this.#server.close(resolve))
    }
  }

  /** The host as the environment variable names it. */
  get host(): string {
    return `localhost:${this.#port}`
  }

  browser(name: string): StandInBrowser {
    const made = new StandInBrowser(name, `https://${this.host}`)
    this.#browsers.set(name, made)
    return made
  }

  /** Returns the contents accepted for a browser. */
  contentsOf({ name }: StandInBrowser): Record<string, unknown>[] {
    return this.taken.filter(each => each.browser === name).map(({ content }) => content)
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.asked++
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const name = /^\/push\/([\w-]+)$/.exec(request.url ?? '')?.[1] ?? ''
    const answer = this.answers.get(name)?.shift()
    if (answer) {
      this.open.add(response)
      response.on('close', () => this.open.delete(response))
      return answer(response)
    }
    const browser = this.#browsers.get(name)
    try {
      if (request.method !== 'POST' || !browser) throw new Error(`${request.method} ${request.url}`)
      this.#checkSignature(request.headers.authorization ?? '')
      const { headers } = request
      if (headers['content-encoding'] !== 'aes128gcm')
        throw new Error(`content-encoding ${headers['content-encoding']}`)
      if (!/^\d+$/.test(String(headers.ttl))) throw new Error(`ttl ${headers.ttl}`)
      if (!/^[\w-]{1,32}$/.test(String(headers.topic))) throw new Error(`topic ${headers.topic}`)
      const body = Buffer.concat(chunks)
      this.taken.push({ browser: name, headers, content: JSON.parse(browser.decrypt(body)), length: body.length })
      response.writeHead(201).end()
    } catch (error) {
      this.faults.push(String(error))
      response.writeHead(400).end()
    }
  }

  /** Verifies RFC 8292: signed by the subscription's key, for this audience, valid for at most a day. */
  #checkSignature(authorization: string): void {
    const [, token, key] = /^vapid t=([\w.-]+), k=([\w-]+)$/.exec(authorization) ?? []
    if (!token || !key) throw new Error(`authorization ${authorization}`)
    if (key !== this.publicKey) throw new Error('it is signed with another key')
    const [head = '', claims = '', signature = ''] = token.split('.')
    const point = Buffer.from(key, 'base64url')
    const [x, y] = [point.subarray(1, 33), point.subarray(33)].map(part => part.toString('base64url'))
    const publicKey = createPublicKey({ key: { kty: 'EC', crv: 'P-256', x: x!, y: y! }, format: 'jwk' })
    const signed = Buffer.from(`${head}.${claims}`)
    const given = Buffer.from(signature, 'base64url')
    if (!verify('sha256', signed, { key: publicKey, dsaEncoding: 'ieee-p1363' }, given)) throw new Error('not signed')
    const read = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString())
    if (read(head).alg !== 'ES256') throw new Error('another algorithm')
    const { aud, exp, sub } = read(claims)
    if (aud !== `https://${this.host}`) throw new Error(`for ${aud}`)
    if (exp <= Date.now() / 1_000 || exp > Date.now() / 1_000 + 86_400) throw new Error(`until ${exp}`)
    if (!/^(mailto:|https:\/\/)/.test(sub)) throw new Error(`of ${sub}`)
  }
}

/** Starts a stand-in that is stopped when the test ends. */
export async function startPushStandIn(): Promise<PushStandIn> {
  const service = new PushStandIn(selfSigned())
  onTestFinished(await service.start())
  return service
}

export const fingerprintOf = ({ endpoint }: StandInBrowser) => createHash('sha256').update(endpoint).digest('hex')

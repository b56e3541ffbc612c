/**
 * The services that receive notices, each with its own wire format: a malformed request gets the error that the service
 * would send. They listen on a real socket of this machine, and verify signatures with what Node has.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { onTestFinished } from 'vitest'
import { freePort } from './free-port.ts'

export type ServiceKind = 'webhook' | 'ntfy' | 'slack' | 'discord' | 'teams' | 'telegram'

/** How the next request is handled instead of being accepted. */
export type ServiceWay = 'refuse' | 'limit' | 'fail' | 'hang' | 'flood' | 'redirect' | 'echo'

interface Taken {
  text: string
  json: Record<string, unknown>
  headers: IncomingMessage['headers']
}

type Json = Record<string, unknown>

interface Form {
  path: string
  /** Returns the words that people see; a result beginning with `!` names a fault. */
  read(json: Json, request: IncomingMessage, body: string): string
  taken(response: ServerResponse): void
  refused: { status: number; body: string; words: string }
  /** The answer of a rate limit of seven seconds. */
  limited: { status: number; headers: Record<string, string>; body: string }
}

export const secrets = {
  token: 'T0Kq2example8token',
  bot: '123456:ABC-DEF1234ghIkl-zyx57W2v1u123ew11',
  topic: 'alerts-8f2kq',
  signing: `whsec_${Buffer.alloc(32, 7).toString('base64')}`,
}

const isJson = (response: ServerResponse, status: number, body: unknown) =>
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
const plain = (response: ServerResponse, status: number, body: string) => response.writeHead(status).end(body)
const keysOf = (json: Json, ...known: string[]) => Object.keys(json).filter(key => !known.includes(key))

/** Detects what services would link or mention; returns the text without the zero-width spaces against that. */
const plainOf = (text: string) =>
  /:\/\/|@\w|[\p{L}\p{N}]\.\p{L}{2}/u.test(text) ? '!a mention or a link' : text.replaceAll('\u200b', '')

const forms: Record<ServiceKind, Form> = {
  webhook: {
    path: `/hooks/${secrets.token}`,
    read: (json, { headers }, body) => {
      const [id, at] = [String(headers['webhook-id']), String(headers['webhook-timestamp'])]
      const key = Buffer.from(secrets.signing.slice('whsec_'.length), 'base64')
      const wanted = createHmac('sha256', key).update(`${id}.${at}.${body}`).digest()
      const given = Buffer.from(String(headers['webhook-signature']).replace('v1,', ''), 'base64')
      if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) return '!not signed'
      const { title, lines, link } = json.data as { title: string; lines: string[]; link: string }
      return [title, ...lines, link].join('\n')
    },
    taken: response => response.writeHead(204).end(),
    refused: { status: 404, body: 'no such hook', words: 'no such hook' },
    limited: { status: 429, headers: { 'retry-after': '7' }, body: '' },
  },
  ntfy: {
    path: '/',
    read: json => {
      const { topic, title, message, priority, click } = json
      if (topic !== secrets.topic) return '!topic invalid'
      if (keysOf(json, 'topic', 'title', 'message', 'priority', 'tags', 'click').length > 0) return '!unknown field'
      if (typeof priority !== 'number' || priority < 1 || priority > 5) return '!priority invalid'
      return `${plainOf(`${title}\n${message}`)}\n${click}`
    },
    taken: response => isJson(response, 200, { id: 'hwQ2YpKdmg', event: 'message', topic: secrets.topic }),
    refused: { status: 403, body: '{"code":40301,"http":403,"error":"forbidden"}', words: 'forbidden' },
    limited: {
      status: 429,
      headers: { 'retry-after': '7' },
      body: '{"code":42901,"http":429,"error":"limit reached: too many requests"}',
    },
  },
  slack: {
    path: `/services/T000/B000/${secrets.token}`,
    read: ({ text, ...rest }) => {
      if (typeof text !== 'string' || text === '') return '!no_text'
      if (keysOf(rest, 'mrkdwn', 'unfurl_links').length > 0) return '!invalid_payload'
      // A link, and nothing else that Slack would take for a command.
      const links = [...text.matchAll(/<(http[^|>]+)\|[^>]+>/g)]
      const bare = text.replace(/<http[^|>]+\|[^>]+>/g, '')
      if (/[<>]/.test(bare) || /&(?!amp;|lt;|gt;)/.test(bare)) return '!invalid_payload'
      // Reports what Mattermost and Rocket.Chat would turn into a mention or a link.
      if (/\][([]/.test(bare)) return '!a mention or a link'
      const words = plainOf(bare).replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&')
      return [words, ...links.map(([, link]) => link)].join('\n')
    },
    taken: response => plain(response, 200, 'ok'),
    refused: { status: 404, body: 'no_service', words: 'no_service' },
    limited: { status: 429, headers: { 'retry-after': '7' }, body: 'rate_limited' },
  },
  discord: {
    path: `/api/webhooks/100/${secrets.token}?wait=true`,
    read: json => {
      const [embed, ...others] = json.embeds as Json[]
      if (!embed || others.length > 0) return '!Cannot send an empty message'
      const { title, description, url, timestamp } = embed as Record<string, string>
      if (title!.length > 256 || description!.length > 4096 || Number.isNaN(Date.parse(timestamp!)))
        return '!Invalid Form Body'
      const { parse } = json.allowed_mentions as { parse: unknown[] }
      if (parse.length > 0) return '!mentions'
      return [title, description, url].join('\n').replaceAll(/\\([^\w\s])/g, '$1')
    },
    taken: response => isJson(response, 200, { id: '1187364', type: 0 }),
    refused: { status: 404, body: '{"message":"Unknown Webhook","code":10015}', words: 'Unknown Webhook' },
    limited: {
      status: 429,
      headers: {},
      body: '{"message":"You are being rate limited.","retry_after":7.0,"global":false}',
    },
  },
  teams: {
    path: `/workflows/77/triggers/manual/paths/invoke?sig=${secrets.token}`,
    read: json => {
      const [attachment] = json.attachments as { contentType: string; content: Json }[]
      if (json.type !== 'message' || attachment?.contentType !== 'application/vnd.microsoft.card.adaptive')
        return '!Bad payload'
      const { type, version, body, actions } = attachment.content as { body: Json[]; actions: Json[] } & Json
      if (type !== 'AdaptiveCard' || version !== '1.4') return '!Bad card'
      if (!body.every(block => block.type === 'TextBlock' && typeof block.text === 'string')) return '!Bad card'
      if (actions[0]!.type !== 'Action.OpenUrl') return '!Bad card'
      return [...body.map(({ text }) => text), actions[0]!.url].join('\n').replaceAll(/\\([^\w\s])/g, '$1')
    },
    taken: response => response.writeHead(202).end(),
    refused: {
      status: 400,
      body: '{"error":{"code":"WorkflowTriggerIsNotEnabled","message":"Could not execute the workflow."}}',
      words: 'Could not execute the workflow',
    },
    limited: { status: 429, headers: { 'retry-after': '7' }, body: '' },
  },
  telegram: {
    path: `/bot${secrets.bot}/sendMessage`,
    read: ({ chat_id, text, parse_mode }) => {
      if (chat_id !== '-1001234567890') return '!Bad Request: chat not found'
      if (parse_mode !== undefined) return '!it would be read as markup'
      if (typeof text !== 'string' || text.length > 4096) return '!Bad Request: message is too long'
      const [, words = '', link = ''] = /^(.*)\n(http\S+)$/s.exec(text) ?? []
      return `${plainOf(words)}\n${link}`
    },
    taken: response => isJson(response, 200, { ok: true, result: { message_id: 42 } }),
    refused: {
      status: 400,
      body: '{"ok":false,"error_code":400,"description":"Bad Request: chat not found"}',
      words: 'Bad Request: chat not found',
    },
    limited: {
      status: 429,
      headers: {},
      body: '{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 7","parameters":{"retry_after":7}}',
    },
  },
}

export class NoticeStandIn {
  readonly kind: ServiceKind
  readonly taken: Taken[] = []
  /** Faults of the requests received. */
  readonly faults: string[] = []
  /** Handling of the next requests, in order; once empty, requests are accepted. */
  readonly ways: ServiceWay[] = []
  /** Handling of every request while it is set, in place of `ways`. */
  always: ServiceWay | undefined
  asked = 0
  /** `webhook-id` of each request, accepted or not. */
  readonly ids: string[] = []
  /** Called for each request. */
  onAsked: () => void = () => undefined
  readonly #server = createServer((request, response) => void this.#take(request, response))
  #port = 0

  constructor(kind: ServiceKind) {
    this.kind = kind
  }

  async start(): Promise<this> {
    this.#port ||= await freePort()
    this.#server.listen(this.#port, '127.0.0.1')
    await once(this.#server, 'listening')
    return this
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise(resolve => this.#server.close(resolve))
  }

  get origin(): string {
    return `http://127.0.0.1:${this.#port}`
  }

  /** The target as a notifier of this kind configures it. */
  get target() {
    const { kind, origin } = this
    const url = `${origin}${forms[kind].path.replace('?wait=true', '')}`
    if (kind === 'webhook') return { kind, url, secret: secrets.signing }
    if (kind === 'ntfy') return { kind, server: origin, topic: secrets.topic, token: secrets.token }
    if (kind === 'telegram') return { kind, server: origin, bot_token: secrets.bot, chat_id: '-1001234567890' }
    return { kind, url }
  }

  /** Secrets of the target alone. */
  get secrets(): string[] {
    const { token, bot, topic, signing } = secrets
    if (this.kind === 'webhook') return [token, signing]
    if (this.kind === 'ntfy') return [topic, token]
    return [this.kind === 'telegram' ? bot : token]
  }

  get refusal(): string {
    return forms[this.kind].refused.words
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.asked++
    this.ids.push(String(request.headers['webhook-id']))
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const body = Buffer.concat(chunks).toString()
    const form = forms[this.kind]
    const way = this.always ?? this.ways.shift()
    this.onAsked()
    if (way) return this.#answer(way, form, request, body, response)
    try {
      const { method, url, headers } = request
      if (method !== 'POST' || url !== form.path) throw new Error(`${method} ${url}`)
      if (headers['content-type'] !== 'application/json') throw new Error(`content-type ${headers['content-type']}`)
      if (this.kind === 'ntfy' && headers.authorization !== `Bearer ${secrets.token}`) throw new Error('unauthorized')
      const json = JSON.parse(body) as Json
      const text = form.read(json, request, body)
      if (text.startsWith('!')) throw new Error(text.slice(1))
      this.taken.push({ text, json, headers })
      form.taken(response)
    } catch (error) {
      this.faults.push(String(error))
      plain(response, 400, String(error))
    }
  }

  #answer(way: ServiceWay, form: Form, request: IncomingMessage, body: string, response: ServerResponse): void {
    if (way === 'refuse') plain(response, form.refused.status, form.refused.body)
    if (way === 'limit') response.writeHead(form.limited.status, form.limited.headers).end(form.limited.body)
    if (way === 'fail') plain(response, 503, 'upstream is away')
    if (way === 'redirect') response.writeHead(302, { location: `${this.origin}/elsewhere` }).end()
    // Some services echo the whole request in their error.
    if (way === 'echo')
      plain(response, 400, `bad: ${request.url} ${body} ${JSON.stringify(request.headers)} ${this.secrets.join(' ')}`)
    if (way === 'flood') {
      response.writeHead(200)
      let left = 160
      const pour = () => {
        while (!response.destroyed && left > 0) if (left-- > 0 && !response.write('x'.repeat(65_536))) return
        response.end()
      }
      response.on('drain', pour)
      pour()
    }
  }
}

/** Starts a stand-in that is stopped when the test ends. */
export async function startNoticeStandIn(kind: ServiceKind): Promise<NoticeStandIn> {
  const service = await new NoticeStandIn(kind).start()
  onTestFinished(() => service.stop())
  return service
}

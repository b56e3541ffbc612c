/**
 * A stdio server that is a client of a running RustyMail: relays messages of any revision between stdio and Streamable
 * HTTP. It cancels calls by closing their request, reopens broken streams, and turns refusals into readable errors.
 */
import { setTimeout as pause } from 'node:timers/promises'
import {
  BridgeError,
  type BridgeLink,
  fieldOf,
  isObject,
  LinkBroken,
  messagesIn,
  pauseMs,
  refusalIn,
  Unreachable,
} from './bridge-link.ts'
import { LineWriter, readLines } from './json-lines.ts'

export interface BridgeOptions {
  link: BridgeLink
  output: NodeJS.WritableStream
  /** Declared in addition to the server's own. */
  experimental?: Record<string, object>
  /** Called once, when the client may be sent notifications. */
  onReady?(): void
  /** Handles notifications meant for the bridge. @returns Whether it was one. */
  onNotification?(method: string, params: Message): boolean
  /** Logs for people. */
  log(words: string): void
}

type Message = Record<string, unknown>

/** Client requests in flight; more than the server allows per person. */
const maxRunning = 200
/** Grace period for requests in flight after stdin has ended. */
const lastAnswersMs = 1_000
/** Retries of an idempotent request whose response breaks off. */
const maxRepeats = 3
const listenMethod = 'subscriptions/listen'
const acknowledged = 'notifications/subscriptions/acknowledged'
const subscriptionKey = 'io.modelcontextprotocol/subscriptionId'
const listenRevision = '2026-07-28'
/** Idempotent methods. */
const repeatable = new Set([
  'initialize',
  'server/discover',
  'ping',
  'tools/list',
  'resources/list',
  'resources/templates/list',
  'resources/read',
  'prompts/list',
  'prompts/get',
  'completion/complete',
  'events/list',
  'events/poll',
])
/** Lists whose changes `subscriptions/listen` announces, with the flags of its filter. */
const kinds = { tools: 'toolsListChanged', prompts: 'promptsListChanged', resources: 'resourcesListChanged' } as const

export class HttpBridge {
  readonly #options: BridgeOptions
  readonly #writer: LineWriter
  readonly #running = new Map<string, { ending: AbortController; done: Promise<void>; isStream: boolean }>()
  readonly #stopped = new AbortController()
  #clientInfo: unknown = { name: 'unknown', version: '0' }
  /** URIs that a client before 2026 has subscribed to. */
  readonly #uris = new Set<string>()
  /** Ends the stream by which the bridge learns of changes. */
  #watching: AbortController | undefined
  /** Serialises opening of that stream. */
  #opening: Promise<void> = Promise.resolve()
  #isReady = false

  constructor(options: BridgeOptions) {
    this.#options = options
    this.#writer = new LineWriter(options.output)
  }

  /** Resolves when the input has ended and open requests are answered, or after a grace period. */
  async run(input: NodeJS.ReadableStream): Promise<void> {
    for await (const line of readLines(input)) {
      if (this.#stopped.signal.aborted) break
      if ('message' in line) this.#take(line.message)
      else void this.#fail(null, new BridgeError(line.words, undefined, line.code))
    }
    const answers = [...this.#running.values()].flatMap(({ isStream, done }) => (isStream ? [] : [done]))
    await Promise.race([Promise.all(answers), pause(lastAnswersMs, undefined, { ref: false })])
    this.stop()
  }

  /** Aborts when the bridge is over. */
  get signal(): AbortSignal {
    return this.#stopped.signal
  }

  stop(): void {
    this.#stopped.abort()
    for (const { ending } of this.#running.values()) ending.abort()
  }

  /** Sends a notification of the bridge to the client. */
  async notify(method: string, params: Message): Promise<void> {
    await this.#deliver({ jsonrpc: '2.0', method, params })
  }

  #take(message: unknown): void {
    if (!isObject(message) || typeof message.method !== 'string') {
      // Batches, responses to requests of the server, and invalid messages, which the server answers.
      const id = isObject(message) ? message.id : undefined
      const isAnswer = isObject(message) && ('result' in message || 'error' in message)
      return this.#run(message, isAnswer ? undefined : (id ?? null))
    }
    if (message.id === undefined) return this.#takeNotification(message)
    // Since 2026 there is no `initialized` notification; a list request shows that the client is ready.
    if (message.method.endsWith('/list') && fieldOf(message.params, '_meta') !== undefined) this.#ready()
    this.#run(message, message.id)
  }

  #ready(): void {
    if (this.#isReady) return
    this.#isReady = true
    this.#options.onReady?.()
  }

  #takeNotification(message: Message): void {
    if (message.method === 'notifications/cancelled') {
      // Over Streamable HTTP a call is cancelled by closing its request.
      this.#running.get(keyOf(fieldOf(message.params, 'requestId')))?.ending.abort()
      return
    }
    const { method, params } = message
    if (typeof method === 'string' && this.#options.onNotification?.(method, isObject(params) ? params : {})) return
    if (message.method === 'notifications/initialized') {
      if (!this.#watching) void this.#watchChanges().catch(() => undefined)
      this.#ready()
    }
    this.#run(message, undefined)
  }

  /** @param id Undefined if no answer is expected. */
  #run(message: unknown, id: unknown): void {
    if (this.#running.size >= maxRunning) {
      void this.#fail(id, new BridgeError(`${maxRunning} requests are already waiting for an answer.`))
      return
    }
    const key = id === undefined ? `(${Math.random()})` : keyOf(id)
    if (this.#running.has(key)) {
      void this.#fail(id, new BridgeError('Invalid Request: this id is in use.', undefined, -32_600))
      return
    }
    const ending = new AbortController()
    const isStream = isObject(message) && (message.method === listenMethod || message.method === 'events/stream')
    const work =
      isObject(message) && message.method === listenMethod
        ? this.#listen(message, ending.signal, each => this.#deliver(each))
        : this.#exchange(message, id, ending.signal)
    const done = work
      .catch(async (error: unknown) => {
        if (!ending.signal.aborted) await this.#fail(id, error)
      })
      .finally(() => this.#running.delete(key))
    this.#running.set(key, { ending, done, isStream })
  }

  async #exchange(message: unknown, id: unknown, signal: AbortSignal): Promise<void> {
    const method = isObject(message) ? message.method : undefined
    const isRepeatable = typeof method === 'string' && repeatable.has(method)
    if (method === 'initialize') this.#begin(message)
    for (let turn = 0; ; turn++) {
      try {
        return await this.#once(message, id, { signal, isRepeatable })
      } catch (error) {
        if (!(error instanceof LinkBroken) || signal.aborted) throw error
        if (!isRepeatable)
          throw new BridgeError(`${error.message} The call may have taken effect: check before you repeat it.`)
        if (turn >= maxRepeats) throw new BridgeError(error.message)
        await pause(pauseMs(turn), undefined, { signal })
      }
    }
  }

  #begin(message: unknown): void {
    const { link } = this.#options
    link.session = undefined
    link.revision = undefined
    this.#uris.clear()
    this.#clientInfo = fieldOf(fieldOf(message, 'params'), 'clientInfo') ?? this.#clientInfo
  }

  /** @throws LinkBroken when the response ends without the answer. */
  async #once(message: unknown, id: unknown, options: { signal: AbortSignal; isRepeatable: boolean }): Promise<void> {
    const { link } = this.#options
    const response = await link.send(message, options)
    if (!response.ok) {
      const refusal = await refusalIn(response)
      if (refusal instanceof BridgeError) throw refusal
      if (id !== undefined) await this.#deliver({ ...refusal, id })
      return
    }
    const isBatch = Array.isArray(message)
    let isAnswered = id === undefined || isBatch
    for await (const each of messagesIn(response)) {
      const isAnswer = isObject(each) && !('method' in each) && each.id === id
      isAnswered ||= isAnswer
      // Subscribed before answering, so that no later change is missed.
      if (isAnswer && 'result' in each) await this.#subscribe(message)
      await this.#deliver(isAnswer ? this.#answerOf(message, each, response) : each)
    }
    if (!isAnswered) throw new LinkBroken('The connection to RustyMail was lost.')
  }

  /** Adapts the server's declared capabilities to those of this bridge. */
  #answerOf(message: unknown, answer: Message, response: Response): Message {
    const method = fieldOf(message, 'method')
    const { result } = answer
    if ((method !== 'initialize' && method !== 'server/discover') || !isObject(result)) return answer
    const { link, experimental } = this.#options
    const capabilities: Message = { ...(isObject(result.capabilities) ? result.capabilities : {}) }
    if (experimental)
      capabilities.experimental = {
        ...(isObject(capabilities.experimental) ? capabilities.experimental : {}),
        ...experimental,
      }
    if (method === 'initialize') {
      link.session = response.headers.get('mcp-session-id') ?? undefined
      link.revision = typeof result.protocolVersion === 'string' ? result.protocolVersion : undefined
      for (const kind of Object.keys(kinds)) {
        if (isObject(capabilities[kind])) capabilities[kind] = { ...capabilities[kind], listChanged: true }
      }
    }
    return { ...answer, result: { ...result, capabilities } }
  }

  /** Follows a subscription of a client before 2026. @throws BridgeError if changes would not be announced. */
  async #subscribe(message: unknown): Promise<void> {
    const [method, uri] = [fieldOf(message, 'method'), fieldOf(fieldOf(message, 'params'), 'uri')]
    if (typeof uri !== 'string') return
    if (method === 'resources/unsubscribe') this.#uris.delete(uri)
    if (method !== 'resources/subscribe' || this.#uris.has(uri)) return
    this.#uris.add(uri)
    try {
      await this.#watchChanges()
    } catch (error) {
      this.#uris.delete(uri)
      throw error
    }
  }

  /**
   * Clients before 2026 expect changes on their session, but over HTTP only listeners are notified, so the bridge
   * listens. Resolves once all URIs so far are covered; the previous stream ends only then, so no change is missed.
   */
  #watchChanges(): Promise<void> {
    const opened = this.#opening.then(() => this.#watch())
    this.#opening = opened.catch(() => undefined)
    return opened
  }

  #watch(): Promise<void> {
    const before = this.#watching
    const watching = new AbortController()
    this.#watching = watching
    const notifications: Message = Object.fromEntries(Object.values(kinds).map(name => [name, true]))
    if (this.#uris.size > 0) notifications.resourceSubscriptions = [...this.#uris]
    const _meta = {
      'io.modelcontextprotocol/protocolVersion': listenRevision,
      'io.modelcontextprotocol/clientInfo': this.#clientInfo,
      'io.modelcontextprotocol/clientCapabilities': {},
    }
    const message = { jsonrpc: '2.0', id: 'bridge-changes', method: listenMethod, params: { notifications, _meta } }
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const pass = async (each: Message) => {
      const { method } = each
      const uri = fieldOf(each.params, 'uri')
      if (method === acknowledged) {
        before?.abort()
        resolve()
      } else if (method === 'notifications/resources/updated') {
        if (typeof uri === 'string' && this.#uris.has(uri))
          await this.#deliver({ jsonrpc: '2.0', method, params: { uri } })
      } else if (typeof method === 'string' && method.endsWith('/list_changed')) {
        await this.#deliver({ jsonrpc: '2.0', method })
      } else if ('error' in each) throw new BridgeError(String(fieldOf(each.error, 'message')))
    }
    this.#listen(message, AbortSignal.any([this.#stopped.signal, watching.signal]), pass).then(resolve, error => {
      // The previous stream continues.
      if (this.#watching === watching) this.#watching = before
      reject(error)
      this.#sayUnheard(error)
    })
    return promise
  }

  #sayUnheard(error: unknown): void {
    if (this.#stopped.signal.aborted) return
    this.#options.log(`Changes are not announced: ${error instanceof Error ? error.message : error}`)
  }

  /** Listens until cancelled, reopening the stream when it breaks or ends; then everything may have changed. */
  async #listen(message: Message, signal: AbortSignal, pass: (each: Message) => Promise<void>): Promise<void> {
    let wasOpen = false
    for (let turn = 0; ; turn++) {
      try {
        const response = await this.#options.link.send(message, { signal, isRepeatable: true })
        if (!response.ok) {
          const refusal = await refusalIn(response)
          if (refusal instanceof BridgeError) throw refusal
          return await pass({ ...refusal, id: message.id })
        }
        for await (const each of messagesIn(response)) {
          if (!isObject(each)) continue
          if (each.method === acknowledged) {
            turn = 0
            const isEmpty = Object.keys(fieldOf(each.params, 'notifications') ?? {}).length === 0
            if (!wasOpen) await pass(each)
            else for (const change of missedOf(message)) await pass(change)
            wasOpen = !isEmpty
          } else if ('method' in each) await pass(each)
          else if (!wasOpen || 'error' in each) return await pass(each)
        }
      } catch (error) {
        if (signal.aborted) return
        if (!(error instanceof LinkBroken) && !(error instanceof Unreachable && wasOpen)) throw error
      }
      await pause(pauseMs(turn), undefined, { signal })
    }
  }

  async #deliver(message: unknown): Promise<void> {
    try {
      await this.#writer.write(message)
    } catch {
      // stdout is no longer read.
      this.stop()
    }
  }

  async #fail(id: unknown, error: unknown): Promise<void> {
    const isOurs = error instanceof BridgeError
    const words = error instanceof Error ? error.message : String(error)
    if (id === undefined) return this.#options.log(words)
    const code = isOurs ? error.code : -32_603
    const data = isOurs && error.data ? { data: error.data } : {}
    await this.#deliver({ jsonrpc: '2.0', id, error: { code, message: words, ...data } })
  }
}

/** Numbers and strings are different ids, even if they look alike. */
function keyOf(id: unknown): string {
  return `${typeof id} ${String(id)}`
}

/** Returns the changes that may have been missed while the stream was down. */
function missedOf({ id, params }: Message): Message[] {
  const filter = fieldOf(params, 'notifications')
  const _meta = { [subscriptionKey]: id }
  const changed = Object.entries(kinds).flatMap(([kind, name]) =>
    fieldOf(filter, name) === true
      ? [{ jsonrpc: '2.0', method: `notifications/${kind}/list_changed`, params: { _meta } }]
      : [],
  )
  const uris = fieldOf(filter, 'resourceSubscriptions')
  const updated = (Array.isArray(uris) ? uris : []).map(uri => ({
    jsonrpc: '2.0',
    method: 'notifications/resources/updated',
    params: { uri, _meta },
  }))
  return [...changed, ...updated]
}

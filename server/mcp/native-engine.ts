/**
 * Answers MCP requests over an offer, in every revision and over every transport: with JSON, never with an exception.
 */
import { toMcpError } from './mcp-frames.ts'
import { type McpAdapterOptions, McpError, type McpExtensionMethod, mcpErrors } from './mcp-port.ts'
import { type Call, type Introduction, isModern } from './native-call.ts'
import { toWireError } from './native-errors.ts'
import { errorText, type Id, isObject, notificationText, type Params, resultText } from './native-frames.ts'
import { invalid, type Method, NativeMethods } from './native-methods.ts'
import { handshakeRevisions, metaKeys, modern } from './native-protocol.ts'
import { readFilter, Subscription } from './native-subscription.ts'

export interface Answer {
  text: string
  /** Code of an error; undefined for a result. */
  code: number | undefined
}

export class NativeEngine {
  readonly options: McpAdapterOptions
  readonly #serverInfo: { name: string; title: string; version: string }
  readonly #methods: NativeMethods
  readonly #table: ReadonlyMap<string, Method>
  readonly #extensions: ReadonlyMap<string, McpExtensionMethod>

  constructor(options: McpAdapterOptions) {
    const { info, extensions } = options.offer
    this.options = options
    this.#serverInfo = { name: info.name, title: info.title, version: info.version }
    this.#methods = new NativeMethods(options, this.#serverInfo)
    this.#table = this.#methods.table().set('server/discover', { era: 'modern', run: call => this.#discover(call) })
    this.#extensions = new Map(extensions.flatMap(({ methods }) => Object.entries(methods)))
  }

  /** Whether the answer is a stream that stays open as long as the client likes. */
  isStream(method: string): boolean {
    return method === 'subscriptions/listen' || this.#extensions.get(method)?.isStream === true
  }

  isOfExtension(method: string): boolean {
    return this.#extensions.has(method)
  }

  /** Answers a request. Never rejects. */
  async answer(call: Call): Promise<Answer> {
    try {
      return { text: resultText(call.id, await this.#run(call)), code: undefined }
    } catch (error) {
      return this.refuse(call, error)
    }
  }

  refuse(call: Introduction & { id: Id; signal: AbortSignal }, error: unknown): Answer {
    const { signal } = call
    // The reason of the abort takes precedence over the error that it caused.
    const why = signal.aborted && toMcpError(signal.reason) ? signal.reason : error
    // An unread answer must not be reported as a bug.
    const onFault = signal.aborted ? () => undefined : this.options.onFault
    const wire = toWireError(why, isModern(call), onFault)
    return { text: errorText(call.id, wire), code: wire.code }
  }

  /** Returns the result of `initialize`. */
  welcome(revision: string, experimental?: Record<string, object>): string {
    const { instructions } = this.options.offer.info
    const capabilities = this.#capabilities(experimental)
    return JSON.stringify({ protocolVersion: revision, capabilities, serverInfo: this.#serverInfo, instructions })
  }

  /** Returns the final response of a subscription. */
  goodbye({ id, meta }: Subscription): string {
    const _meta = { ...meta, [metaKeys.server]: this.#serverInfo }
    return resultText(id, JSON.stringify({ resultType: 'complete', _meta }))
  }

  /** @throws McpError, Problem */
  async subscribe(call: Call): Promise<Subscription> {
    const filter = readFilter(call.params)
    if (typeof filter === 'string') throw invalid(filter)
    const { has } = this.options.offer
    const kinds = filter.kinds.filter(kind => kind === 'tools' || has[kind])
    const uris = has.resources ? filter.uris : []
    for (const uri of uris) await this.#methods.checkSubscription(call, uri)
    return new Subscription(call.id, { kinds, uris })
  }

  async #run(call: Call): Promise<string> {
    const method = this.#table.get(call.method)
    if (method && (method.era === 'any' || (method.era === 'modern') === isModern(call))) return await method.run(call)
    const extension = this.#extensions.get(call.method)
    if (extension) return await this.#extend(call, extension)
    throw new McpError(mcpErrors.methodNotFound, 'Method not found')
  }

  #discover(call: Call): string {
    const { instructions } = this.options.offer.info
    const result = { supportedVersions: [modern], capabilities: this.#capabilities(), instructions }
    return this.#methods.ended(call, JSON.stringify(result), 'cached')
  }

  async #extend(call: Call, extension: McpExtensionMethod): Promise<string> {
    const notify = (method: string, params: Params) => call.out.send(notificationText(method, params))
    const asking = { ...this.#methods.asking(call), id: call.id, notify }
    const { _meta: _introduction, ...params } = call.params
    const result = await extension.answer(params, asking)
    if (!isModern(call)) return JSON.stringify(result)
    const _meta = { ...(isObject(result._meta) ? result._meta : {}), [metaKeys.server]: this.#serverInfo }
    return JSON.stringify({ resultType: 'complete', ...result, _meta })
  }

  #capabilities(experimental?: Record<string, object>): Record<string, unknown> {
    const { has, extensions } = this.options.offer
    const settings = Object.fromEntries(extensions.map(extension => [extension.name, extension.settings]))
    return {
      tools: { listChanged: true },
      ...(has.resources ? { resources: { listChanged: true, subscribe: true } } : {}),
      ...(has.prompts ? { prompts: { listChanged: true } } : {}),
      ...(has.completions ? { completions: {} } : {}),
      ...(has.logging ? { logging: {} } : {}),
      ...Object.assign({}, ...extensions.map(({ capabilities }) => capabilities)),
      ...(extensions.length > 0 ? { extensions: settings } : {}),
      ...(experimental ? { experimental } : {}),
    }
  }
}

/** Returns a revision that both sides know, for a client that begins with a handshake. */
export function agreedRevision(wanted: string): string {
  return handshakeRevisions.find(revision => revision === wanted) ?? '2025-11-25'
}

/** The methods of MCP over an offer, in whichever revision and over whichever transport: what is asked for becomes JSON, and never an exception. */
import { toMcpError } from './mcp-frames.ts'
import {
  type McpAdapterOptions,
  type McpCatalogue,
  McpError,
  type McpExtension,
  type McpExtensionMethod,
  type McpPromptResult,
  type McpReference,
  type McpResult,
  mcpErrors,
} from './mcp-port.ts'
import { askingOf, type Call, isModern } from './native-call.ts'
import { toWireError } from './native-errors.ts'
import { errorText, isObject, notificationText, type Params, resultText } from './native-frames.ts'
import { ListTexts } from './native-lists.ts'
import { bounds, handshakeRevisions, metaKeys, modern } from './native-protocol.ts'
import { type InputRequired, runRounds } from './native-rounds.ts'
import { readFilter, Subscription } from './native-subscription.ts'
import { RequestState } from './request-state.ts'

export interface Answer {
  text: string
  /** Of the error, if it is one. */
  code: number | undefined
}

type Era = 'any' | 'modern' | 'before'
type Run = (call: Call) => Promise<string> | string

interface Method {
  era: Era
  run: Run
}

/** The way that a result ends since 2026: what kind it is, whose it is, and how long it is fresh. */
interface Endings {
  plain: string
  cached: string
}

export class NativeEngine {
  readonly options: McpAdapterOptions
  readonly #state: RequestState
  readonly #endings: Endings
  readonly #lists = new ListTexts()
  readonly #methods: ReadonlyMap<string, Method>
  readonly #extensions: ReadonlyMap<string, McpExtensionMethod>

  constructor(options: McpAdapterOptions) {
    this.options = options
    this.#state = new RequestState(options.stateKey)
    this.#endings = endingsOf(this.serverInfo)
    this.#methods = this.#declare()
    this.#extensions = new Map(options.offer.extensions.flatMap(({ methods }) => Object.entries(methods)))
  }

  get serverInfo() {
    const { name, title, version } = this.options.offer.info
    return { name, title, version }
  }

  /** Whether it is answered by a stream for as long as the client likes. */
  isStream(method: string): boolean {
    return method === 'subscriptions/listen' || this.#extensions.get(method)?.isStream === true
  }

  /** Never rejects. */
  async answer(call: Call): Promise<Answer> {
    try {
      return { text: resultText(call.id, await this.#run(call)), code: undefined }
    } catch (error) {
      return this.refuse(call, error)
    }
  }

  refuse(
    call: Pick<Call, 'id' | 'signal' | 'revision' | 'peer' | 'capabilities' | 'logLevel'>,
    error: unknown,
  ): Answer {
    const { signal } = call
    // Whatever a call that was told to end failed with: it was told why.
    const why = signal.aborted && toMcpError(signal.reason) ? signal.reason : error
    // Nobody reads this answer, and it must not look like a bug.
    const onFault = signal.aborted ? () => undefined : this.options.onFault
    const wire = toWireError(why, isModern(call), onFault)
    return { text: errorText(call.id, wire), code: wire.code }
  }

  /** @param canTell Whether there is a way by which this client hears of changes. */
  capabilities(canTell: boolean, experimental?: Record<string, object>): Record<string, unknown> {
    const { has, extensions } = this.options.offer
    return {
      tools: { listChanged: canTell },
      ...(has.resources ? { resources: { listChanged: canTell, subscribe: canTell } } : {}),
      ...(has.prompts ? { prompts: { listChanged: canTell } } : {}),
      ...(has.completions ? { completions: {} } : {}),
      ...(has.logging ? { logging: {} } : {}),
      ...(extensions.length > 0 ? { extensions: settingsOf(extensions) } : {}),
      ...(experimental ? { experimental } : {}),
    }
  }

  /** What answers the first message of a client before 2026. */
  welcome(revision: string, capabilities: Record<string, unknown>): string {
    const { instructions } = this.options.offer.info
    return JSON.stringify({ protocolVersion: revision, capabilities, serverInfo: this.serverInfo, instructions })
  }

  /** @param meta What is said beside it. */
  complete(meta: Record<string, unknown>): string {
    return JSON.stringify({ resultType: 'complete', _meta: { ...meta, [metaKeys.server]: this.serverInfo } })
  }

  /** @throws McpError, Problem */
  async subscribe(call: Call): Promise<Subscription> {
    const filter = readFilter(call.params)
    if (typeof filter === 'string') throw invalid(filter)
    const { has } = this.options.offer
    const kinds = filter.kinds.filter(kind => kind === 'tools' || has[kind])
    const uris = has.resources ? filter.uris : []
    for (const uri of uris) await this.checkSubscription(call, uri)
    return new Subscription(call.id, { kinds, uris })
  }

  /** @throws McpError, Problem */
  async checkSubscription(call: Call, uri: string): Promise<void> {
    await this.#unlessAborted(call, this.options.offer.checkSubscription(uri, this.#asking(call)))
  }

  async #run(call: Call): Promise<string> {
    const method = this.#methods.get(call.method)
    if (method && (method.era === 'any' || (method.era === 'modern') === isModern(call))) return await method.run(call)
    const extension = isModern(call) ? this.#extensions.get(call.method) : undefined
    if (extension) return await this.#extend(call, extension)
    throw new McpError(mcpErrors.methodNotFound, 'Method not found')
  }

  #declare(): Map<string, Method> {
    const { has } = this.options.offer
    const methods: [string, Era, Run, boolean?][] = [
      ['server/discover', 'modern', call => this.#discover(call)],
      ['ping', 'before', () => '{}'],
      ['tools/list', 'any', call => this.#list(call, 'tools')],
      ['tools/call', 'any', call => this.#callTool(call)],
      ['resources/list', 'any', call => this.#list(call, 'resources'), has.resources],
      ['resources/templates/list', 'any', call => this.#list(call, 'resourceTemplates'), has.resources],
      ['resources/read', 'any', call => this.#read(call), has.resources],
      ['prompts/list', 'any', call => this.#list(call, 'prompts'), has.prompts],
      ['prompts/get', 'any', call => this.#prompt(call), has.prompts],
      ['completion/complete', 'any', call => this.#completion(call), has.completions],
    ]
    return new Map(methods.flatMap(([name, era, run, isThere = true]) => (isThere ? [[name, { era, run }]] : [])))
  }

  #discover(call: Call): string {
    const { instructions } = this.options.offer.info
    const result = { supportedVersions: [modern], capabilities: this.capabilities(true), instructions }
    return this.#ended(call, JSON.stringify(result), 'cached')
  }

  async #list(call: Call, kind: keyof McpCatalogue): Promise<string> {
    const { cursor } = call.params
    if (cursor !== undefined && cursor !== null) throw invalid('cursor: there is one page, and no cursor leads to it.')
    const catalogue = await this.#unlessAborted(call, this.options.offer.catalogue(this.#asking(call)))
    return this.#ended(call, `{"${kind}":${this.#lists.of(catalogue[kind])}}`, 'cached')
  }

  async #callTool(call: Call): Promise<string> {
    const { name, arguments: input } = call.params
    if (!isName(name)) throw invalid('params.name must be the name of a tool.')
    if (input !== undefined && !isObject(input)) throw invalid('params.arguments must be an object.')
    // Not given up when it is told to end: what changes something may be done by now, and the offer answers what came of it.
    const result = await runRounds<McpResult>(call, {
      name,
      state: this.#state,
      hasLog: this.#hasLog,
      run: asking => this.options.offer.call(name, input, asking),
      unable: unable(),
    })
    return this.#ended(call, JSON.stringify(result), isAsking(result) ? 'asking' : 'plain')
  }

  async #read(call: Call): Promise<string> {
    const { uri } = call.params
    if (!isUri(uri)) throw invalid('params.uri must be the URI of a resource.')
    const contents = await this.#unlessAborted(call, this.options.offer.readResource(uri, this.#asking(call)))
    return this.#ended(call, JSON.stringify({ contents }), 'cached')
  }

  async #prompt(call: Call): Promise<string> {
    const { name, arguments: input = {} } = call.params
    if (!isName(name)) throw invalid('params.name must be the name of a prompt.')
    if (!isTexts(input)) throw invalid('params.arguments must be an object of strings.')
    const rounds = runRounds<McpPromptResult>(call, {
      name,
      state: this.#state,
      hasLog: this.#hasLog,
      run: asking => this.options.offer.getPrompt(name, input, asking),
      unable: undefined,
    })
    const result = await this.#unlessAborted(call, rounds)
    return this.#ended(call, JSON.stringify(result), isAsking(result) ? 'asking' : 'plain')
  }

  async #completion(call: Call): Promise<string> {
    const { ref, argument, context = {} } = call.params
    if (!isReference(ref)) throw invalid('params.ref must name a prompt, or the URI of a resource.')
    if (!isObject(argument) || typeof argument.name !== 'string' || typeof argument.value !== 'string') {
      throw invalid('params.argument must have a name and a value.')
    }
    const given = isObject(context) ? (context.arguments ?? {}) : undefined
    if (!isTexts(given)) throw invalid('params.context.arguments must be an object of strings.')
    const { name, value } = argument
    const work = this.options.offer.complete(ref, { name, value }, given, this.#asking(call))
    const { values, total, hasMore } = await this.#unlessAborted(call, work)
    const completion = { values: values.slice(0, 100), total, hasMore: values.length > 100 || hasMore }
    return this.#ended(call, JSON.stringify({ completion }), 'plain')
  }

  async #extend(call: Call, extension: McpExtensionMethod): Promise<string> {
    const notify = (method: string, params: Params) => call.out.send(notificationText(method, params))
    const asking = { ...this.#asking(call), id: call.id, notify }
    const { _meta: meta, ...result } = await extension.answer(call.params, asking)
    const _meta = { ...(isObject(meta) ? meta : {}), [metaKeys.server]: this.serverInfo }
    return JSON.stringify({ resultType: 'complete', ...result, _meta })
  }

  get #hasLog(): boolean {
    return this.options.offer.has.logging === true
  }

  #asking(call: Call) {
    return askingOf(call, this.#hasLog)
  }

  #ended(call: Call, result: string, kind: 'plain' | 'cached' | 'asking'): string {
    if (!isModern(call)) return result
    const { plain, cached } = this.#endings
    if (kind === 'asking')
      return `${result.slice(0, -1)},"_meta":${JSON.stringify({ [metaKeys.server]: this.serverInfo })}}`
    return result.slice(0, -1) + (kind === 'cached' ? cached : plain)
  }

  /** What runs on was told by its signal; its result is dropped. */
  #unlessAborted<T>({ signal }: Call, work: Promise<T> | T): Promise<T> | T {
    return work instanceof Promise ? unlessAborted(work, signal) : work
  }
}

export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const abort = () => reject(signal.reason)
  if (signal.aborted) abort()
  signal.addEventListener('abort', abort, { once: true })
  try {
    return await Promise.race([work, aborted])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

/** A revision that both know, for a client that begins with a handshake. */
export function agreedRevision(wanted: string): string {
  return handshakeRevisions.includes(wanted) ? wanted : (handshakeRevisions[0] as string)
}

function endingsOf(serverInfo: object): Endings {
  const rest = `"_meta":${JSON.stringify({ [metaKeys.server]: serverInfo })}}`
  return {
    plain: `,"resultType":"complete",${rest}`,
    cached: `,"resultType":"complete","ttlMs":0,"cacheScope":"private",${rest}`,
  }
}

function settingsOf(extensions: readonly McpExtension[]): Record<string, unknown> {
  return Object.fromEntries(extensions.map(({ name, settings }) => [name, settings]))
}

function isAsking(result: object): result is InputRequired {
  return 'inputRequests' in result
}

function unable(): McpResult {
  const text = 'This needs an answer of a human, and the client cannot ask for it.'
  return { content: [{ type: 'text', text }], isError: true }
}

export function invalid(words: string): McpError {
  return new McpError(mcpErrors.invalidParams, `Invalid params: ${words.replace(/^params\./, '')}`)
}

export function isUri(uri: unknown): uri is string {
  return typeof uri === 'string' && uri !== '' && uri.length <= bounds.uri
}

function isName(name: unknown): name is string {
  return typeof name === 'string' && name.length <= bounds.name
}

function isTexts(value: unknown): value is Record<string, string> {
  return isObject(value) && Object.values(value).every(text => typeof text === 'string')
}

function isReference(ref: unknown): ref is McpReference {
  if (!isObject(ref)) return false
  return ref.type === 'ref/prompt' ? isName(ref.name) : ref.type === 'ref/resource' && isUri(ref.uri)
}

/** The methods of MCP that an offer answers: each validates parameters, asks the offer, and writes JSON. */
import { unlessAborted } from '../platform/waits.ts'
import {
  type McpAdapterOptions,
  type McpCatalogue,
  McpError,
  type McpPromptResult,
  type McpReference,
  type McpResult,
  mcpErrors,
} from './mcp-port.ts'
import { type Call, contextOf, isModern, levelOf } from './native-call.ts'
import { isObject, type Params } from './native-frames.ts'
import { ListTexts } from './native-lists.ts'
import { bounds, metaKeys } from './native-protocol.ts'
import { type InputRequired, runRounds } from './native-rounds.ts'
import { RequestState } from './request-state.ts'
import { addUri } from './watched-uris.ts'

/** Revisions that have a method. */
export type Era = 'any' | 'modern' | 'before'

export interface Method {
  era: Era
  /** @throws McpError, Problem */
  run(call: Call): Promise<string> | string
}

/** Endings of results since 2026: their type, the server, and how long they are fresh. */
interface Endings {
  plain: string
  cached: string
  asking: string
}

const maxCompletions = 100

export class NativeMethods {
  readonly #options: McpAdapterOptions
  readonly #state: RequestState
  readonly #endings: Endings
  readonly #lists = new ListTexts()
  readonly #hasLog: boolean

  constructor(options: McpAdapterOptions, serverInfo: object) {
    this.#options = options
    this.#state = new RequestState(options.stateKey)
    this.#endings = endingsOf(serverInfo)
    this.#hasLog = options.offer.has.logging === true
  }

  /** Returns the methods that the offer has, by name. */
  table(): Map<string, Method> {
    const { has } = this.#options.offer
    const methods: [name: string, era: Era, run: Method['run'], isThere?: boolean][] = [
      ['ping', 'before', () => '{}'],
      ['tools/list', 'any', call => this.#list(call, 'tools')],
      ['tools/call', 'any', call => this.#callTool(call)],
      ['resources/list', 'any', call => this.#list(call, 'resources'), has.resources],
      ['resources/templates/list', 'any', call => this.#list(call, 'resourceTemplates'), has.resources],
      ['resources/read', 'any', call => this.#read(call), has.resources],
      ['resources/subscribe', 'before', call => this.#subscribe(call), has.resources],
      ['resources/unsubscribe', 'before', call => this.#unsubscribe(call), has.resources],
      ['prompts/list', 'any', call => this.#list(call, 'prompts'), has.prompts],
      ['prompts/get', 'any', call => this.#prompt(call), has.prompts],
      ['completion/complete', 'any', call => this.#completion(call), has.completions],
      ['logging/setLevel', 'before', call => this.#setLevel(call), this.#hasLog],
    ]
    return new Map(methods.flatMap(([name, era, run, isThere = true]) => (isThere ? [[name, { era, run }]] : [])))
  }

  asking(call: Call) {
    return contextOf(call, this.#hasLog)
  }

  /** @param result JSON of a non-empty object. */
  ended(call: Call, result: string, kind: keyof Endings): string {
    return isModern(call) ? result.slice(0, -1) + this.#endings[kind] : result
  }

  /** @throws McpError, Problem */
  async checkSubscription(call: Call, uri: string): Promise<void> {
    await unlessCut(call, this.#options.offer.checkSubscription(uri, this.asking(call)))
  }

  async #list(call: Call, kind: keyof McpCatalogue): Promise<string> {
    const { cursor } = call.params
    if (cursor !== undefined && cursor !== null) throw invalid('cursor: the list has a single page.')
    const catalogue = await unlessCut(call, this.#options.offer.catalogue(this.asking(call)))
    return this.ended(call, `{"${kind}":${this.#lists.of(catalogue[kind])}}`, 'cached')
  }

  async #callTool(call: Call): Promise<string> {
    const { name, arguments: input } = call.params
    if (!isName(name)) throw invalid('name must be the name of a tool.')
    if (input !== undefined && !isObject(input)) throw invalid('arguments must be an object.')
    // Awaited even after an abort: a change may have been made, and the offer reports its outcome.
    const result = await runRounds<McpResult>(call, {
      name,
      state: this.#state,
      hasLog: this.#hasLog,
      run: context => this.#options.offer.call(name, input, context),
    })
    return this.ended(call, JSON.stringify(result), isAsking(result) ? 'asking' : 'plain')
  }

  async #read(call: Call): Promise<string> {
    const { uri } = call.params
    if (!isUri(uri)) throw invalid('uri must be the URI of a resource.')
    const contents = await unlessCut(call, this.#options.offer.readResource(uri, this.asking(call)))
    return this.ended(call, JSON.stringify({ contents }), 'cached')
  }

  async #prompt(call: Call): Promise<string> {
    const { name, arguments: input = {} } = call.params
    if (!isName(name)) throw invalid('name must be the name of a prompt.')
    if (!isTexts(input)) throw invalid('arguments must be an object of strings.')
    const rounds = runRounds<McpPromptResult>(call, {
      name,
      state: this.#state,
      hasLog: this.#hasLog,
      run: context => this.#options.offer.getPrompt(name, input, context),
    })
    const result = await unlessCut(call, rounds)
    return this.ended(call, JSON.stringify(result), isAsking(result) ? 'asking' : 'plain')
  }

  async #completion(call: Call): Promise<string> {
    const { ref, argument, context = {} } = call.params
    if (!isReference(ref)) throw invalid('ref must name a prompt, or the URI of a resource.')
    if (!isObject(argument) || typeof argument.name !== 'string' || typeof argument.value !== 'string') {
      throw invalid('argument must have a name and a value.')
    }
    const given = isObject(context) ? (context.arguments ?? {}) : undefined
    if (!isTexts(given)) throw invalid('context.arguments must be an object of strings.')
    const { name, value } = argument
    const work = this.#options.offer.complete(ref, { name, value }, given, this.asking(call))
    const { values, total, hasMore } = await unlessCut(call, work)
    const more = values.length > maxCompletions ? true : hasMore
    const completion = { values: values.slice(0, maxCompletions), total, hasMore: more }
    return this.ended(call, JSON.stringify({ completion }), 'plain')
  }

  async #subscribe(call: Call): Promise<string> {
    const { uris } = memoryOf(call)
    const { uri } = call.params
    if (!isUri(uri)) throw invalid('uri must be the URI of a resource.')
    await this.checkSubscription(call, uri)
    addUri(uris, uri)
    return '{}'
  }

  #unsubscribe(call: Call): string {
    const { uri } = call.params
    if (!isUri(uri)) throw invalid('uri must be the URI of a resource.')
    memoryOf(call).uris.delete(uri)
    return '{}'
  }

  #setLevel(call: Call): string {
    const logLevel = levelOf(call.params.level)
    if (!logLevel) throw invalid('level must be a level of the log.')
    memoryOf(call).setLevel(logLevel)
    return '{}'
  }
}

/** Work that continues was notified by its signal; its result is dropped. */
function unlessCut<T>({ signal }: Call, work: Promise<T> | T): Promise<T> | T {
  return work instanceof Promise ? unlessAborted(work, signal) : work
}

/** @throws McpError if no state is kept between requests. */
function memoryOf({ memory }: Call): NonNullable<Call['memory']> {
  if (memory) return memory
  throw new McpError(mcpErrors.methodNotFound, 'Method not found')
}

function endingsOf(serverInfo: object): Endings {
  const asking = `,"_meta":${JSON.stringify({ [metaKeys.server]: serverInfo })}}`
  const complete = ',"resultType":"complete"'
  return { plain: complete + asking, cached: `${complete},"ttlMs":0,"cacheScope":"private"${asking}`, asking }
}

function isAsking(result: object): result is InputRequired {
  return 'inputRequests' in result
}

export function invalid(words: string): McpError {
  return new McpError(mcpErrors.invalidParams, `Invalid params: ${words}`)
}

function isUri(uri: unknown): uri is string {
  return typeof uri === 'string' && uri !== '' && uri.length <= bounds.uri
}

function isName(name: unknown): name is string {
  return typeof name === 'string' && name.length <= bounds.name
}

function isTexts(value: Params | unknown): value is Record<string, string> {
  return isObject(value) && Object.values(value).every(text => typeof text === 'string')
}

function isReference(ref: unknown): ref is McpReference {
  if (!isObject(ref)) return false
  return ref.type === 'ref/prompt' ? isName(ref.name) : ref.type === 'ref/resource' && isUri(ref.uri)
}

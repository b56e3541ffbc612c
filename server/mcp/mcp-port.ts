/** MCP in the terms of revision 2026-07-28, as plain data: what is offered (`McpOffer`), and what carries it over the transports (`McpPort`). No SDK. */
import type { Scope } from '../../contract/scope.ts'
import type { FetchAnswer, FetchRequest } from '../platform/http/http-fetch.ts'
import type { Caller, Principal } from '../platform/principal.ts'
import type { TraceCarrier } from '../platform/tracing/span.ts'
import type { ObjectSchema, ToolAnnotations } from '../tools/tool.ts'

/** Of which revision a request is; days, so that they compare as text. */
export type McpRevision = '2024-11-05' | '2025-03-26' | '2025-06-18' | '2025-11-25' | '2026-07-28'

/** A peer as it names itself: a stranger's words, bounded by the adapter. */
export interface McpPeer {
  name: string
  version: string
}

export type McpTransport = 'http' | 'sse' | 'stdio'

/** One caller, and one request of theirs. */
export interface McpAsking {
  caller: Caller
  requestId: string
  /** When it aborts with a Problem, that is answered; otherwise the client is gone. */
  signal: AbortSignal
  /** What the transport knows before a message is read; the adapter says the rest. */
  headers?: Headers | undefined
  /** By which the message came; the adapter passes it on as it is. */
  transport?: McpTransport | undefined
  /**
   * The caller as of now: of a session that lasts as long as its client, whose messages bring no credentials of their own. Asked for with each
   * call of the offer; the adapter passes it on as it is. @throws Problem when the credentials are no longer valid.
   */
  principalNow?: (() => Principal | Promise<Principal>) | undefined
}

/** In order of severity. */
export const mcpLogLevels = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'] as const

export interface McpLogEntry {
  level: (typeof mcpLogLevels)[number]
  logger?: string
  data: unknown
}

/** The same, once the message is read. */
export interface McpCallAsking extends McpAsking {
  revision: McpRevision
  peer: McpPeer | undefined
  /** The JSON-RPC id of the request. */
  id?: string | number | undefined
  /** Where the client's trace goes on, as `_meta` of the request says (SEP-414): words of the client, bounded. */
  trace?: TraceCarrier | undefined
  /** The client's, as it declares them: of this request since 2026, of its session before. */
  capabilities: Record<string, unknown>
  /** Tells how far the call is; a no-op where the client gave no progress token. */
  progress(now: { progress: number; total?: number; message?: string }): void
  /** To the log of the client; a no-op where it asked for none, or for less. Only where the offer `has.logging`. */
  log?: ((entry: McpLogEntry) => void) | undefined
  /** What a human answered to the `inputRequests` of the round before, by their keys. */
  inputResponses?: Record<string, unknown> | undefined
  /** What the round before put into `state`. The adapter signs it for this caller, method and name, with an end, and refuses any other. */
  state?: unknown
}

export interface McpTool {
  name: string
  title?: string | undefined
  description?: string | undefined
  inputSchema: ObjectSchema
  outputSchema?: ObjectSchema | undefined
  annotations?: ToolAnnotations | undefined
}

export interface McpResource {
  uri: string
  name: string
  title?: string | undefined
  description?: string | undefined
  mimeType?: string | undefined
  size?: number | undefined
}

export interface McpResourceTemplate {
  /** RFC 6570, level 1. */
  uriTemplate: string
  name: string
  title?: string | undefined
  description?: string | undefined
  mimeType?: string | undefined
}

export interface McpPrompt {
  name: string
  title?: string | undefined
  description?: string | undefined
  arguments?: { name: string; description?: string | undefined; required?: boolean | undefined }[] | undefined
}

/** What a caller may use; each list in the same order each time. */
export interface McpCatalogue {
  tools: McpTool[]
  resources: McpResource[]
  resourceTemplates: McpResourceTemplate[]
  prompts: McpPrompt[]
}

export type McpContent =
  | { type: 'text'; text: string }
  | { type: 'image' | 'audio'; data: string; mimeType: string }
  | { type: 'resource_link'; uri: string; name: string; mimeType?: string; description?: string }
  | { type: 'resource'; resource: McpResourceContents }

export type McpResourceContents = { uri: string; mimeType?: string } & ({ text: string } | { blob: string })

export interface McpResult {
  content: McpContent[]
  structuredContent?: Record<string, unknown>
  isError?: boolean
}

/** A human is asked before the call goes on. Clients that cannot be asked get `otherwise`, or an error where there is none. */
export interface McpInputRequired<Result = McpResult> {
  inputRequests: Record<string, McpInputRequest>
  /** JSON; back as `McpCallAsking.state`. Undefined for none. */
  state: unknown
  otherwise: Result | undefined
}

export type McpInputRequest =
  | { method: 'elicitation/create'; params: { mode: 'url'; message: string; url: string; elicitationId: string } }
  | { method: 'elicitation/create'; params: { mode: 'form'; message: string; requestedSchema: ObjectSchema } }
  | { method: 'sampling/createMessage'; params: Record<string, unknown> }
  | { method: 'roots/list'; params?: Record<string, unknown> }

export interface McpPromptResult {
  description?: string | undefined
  messages: { role: 'user' | 'assistant'; content: McpContent }[]
}

export interface McpCompletion {
  /** 100 at most. */
  values: string[]
  total?: number | undefined
  hasMore?: boolean | undefined
}

export type McpReference = { type: 'ref/prompt'; name: string } | { type: 'ref/resource'; uri: string }

/** A JSON-RPC error. A `Problem` thrown by an offer becomes one, too (or a result with `isError`, for tools, which the offer makes itself). */
export class McpError extends Error {
  readonly code: number
  readonly data: Record<string, unknown> | undefined

  constructor(code: number, message: string, data?: Record<string, unknown>) {
    super(message)
    this.code = code
    this.data = data
  }
}

/** JSON-RPC 2.0, section 5.1, and what MCP adds. */
export const mcpErrors = {
  parse: -32_700,
  invalidRequest: -32_600,
  methodNotFound: -32_601,
  invalidParams: -32_602,
  internal: -32_603,
} as const

/** Methods beyond the core protocol, under the name of their extension. */
export interface McpExtension {
  /** As in `capabilities.extensions`. */
  name: string
  settings: Record<string, unknown>
  /** Declared among the capabilities themselves, for clients that know it from before it was an extension. */
  capabilities?: Record<string, Record<string, unknown>>
  methods: Record<string, McpExtensionMethod>
}

export interface McpExtensionMethod {
  /** It notifies until its signal aborts, and is counted among the streams of extensions. */
  isStream: boolean
  /** What a call with these parameters requires; undefined where that is nothing, or not known. */
  scopeOf?(params: Record<string, unknown>): Scope | undefined
  /** @throws McpError, Problem */
  answer(params: Record<string, unknown>, asking: McpExtensionAsking): Promise<Record<string, unknown>>
}

export interface McpExtensionAsking extends McpCallAsking {
  /** The JSON-RPC id of the request. */
  id: string | number
  /** Resolves when the transport took it: who waits for it has back-pressure. Rejects when the client is gone. */
  notify(method: string, params: Record<string, unknown>): Promise<void>
}

/** What RustyMail offers over MCP; for all adapters and transports. Every method asks the gate. */
export interface McpOffer {
  readonly info: { name: string; title: string; version: string; instructions: string }
  readonly extensions: readonly McpExtension[]
  /** Whether it has any for any caller: what is declared as a capability. */
  readonly has: { resources: boolean; prompts: boolean; completions: boolean; logging?: boolean }
  catalogue(asking: McpCallAsking): McpCatalogue | Promise<McpCatalogue>
  /** @throws McpError for an unknown tool (`invalidParams`). What goes wrong inside is a result with `isError`. */
  call(name: string, input: unknown, asking: McpCallAsking): Promise<McpResult | McpInputRequired>
  /** @throws McpError, Problem */
  readResource(uri: string, asking: McpCallAsking): Promise<McpResourceContents[]>
  /** Throws McpError or Problem if the caller may not subscribe to it. */
  checkSubscription(uri: string, asking: McpCallAsking): Promise<void>
  /** @throws McpError, Problem */
  getPrompt(
    name: string,
    input: Record<string, string>,
    asking: McpCallAsking,
  ): Promise<McpPromptResult | McpInputRequired<McpPromptResult>>
  complete(
    of: McpReference,
    argument: { name: string; value: string },
    given: Record<string, string>,
    asking: McpCallAsking,
  ): Promise<McpCompletion>
}

/** Of what a listening client hears. Changes of one kind that were not read yet are one. */
export type McpChange = { of: 'tools' | 'prompts' | 'resources' } | { of: 'resource'; uri: string }

/** Something open between a client and an adapter. */
export interface McpOpen {
  /** To what listens, if it asked for that kind. Never throws, never grows without bound. */
  publish(change: McpChange): void
  /** A listening client is told that this is the end (graceful). */
  close(): Promise<void>
  /** Whatever it is at: nothing more is answered. */
  cut(): void
}

export interface McpHttpExchange extends McpOpen {
  readonly response: Promise<FetchAnswer>
}

export interface McpSession extends McpOpen {
  /** When the client is gone or it was closed. */
  readonly ended: Promise<void>
  /** What the client said of itself, from its first message on. */
  readonly peer: McpPeer | undefined
  readonly revision: McpRevision | undefined
  /** A notification of an experimental capability. */
  notify(method: string, params: Record<string, unknown>): Promise<void>
}

export interface McpSessionOptions {
  asking: McpAsking
  /** Declared beside the capabilities of the offer. */
  experimental?: Record<string, object> | undefined
  /** Hears notifications of the client that the protocol does not know. */
  onNotification?(method: string, params: Record<string, unknown>): void
}

/** Carries an offer. Adapters: `sdk` (the official library) and `native` (ours); one suite for both (`mcp-port-suite.ts`). */
export interface McpPort {
  readonly name: 'sdk' | 'native'
  /** Whether what comes in stays open (a stream, or one of an extension) or ends by itself (a call). Of bad input: `call`. */
  kindOf(request: FetchRequest, body: unknown): 'stream' | 'events' | 'call'
  /**
   * Streamable HTTP, one request, in whichever revision it is. @param body JSON, parsed; undefined for GET and DELETE.
   * The door before it has checked the credentials, Origin and Host, and the size.
   */
  handleHttp(request: FetchRequest, body: unknown, asking: McpAsking): McpHttpExchange
  /** HTTP+SSE of 2024-11-05: `endpoint` is where the client posts. */
  openSse(endpoint: string, options: McpSessionOptions): McpSession & { readonly body: ReadableStream<Uint8Array> }
  /** A message that was posted to the endpoint of that session. @returns the status: 202, or 400 for what is no message. */
  postSse(session: McpSession, body: unknown, asking: McpAsking): Promise<number>
  /** Newline-delimited JSON on both. Ends when `input` ends. */
  serveStdio(
    streams: { input: NodeJS.ReadableStream; output: NodeJS.WritableStream },
    options: McpSessionOptions,
  ): McpSession
  /** Ends all that is open. */
  close(): Promise<void>
}

export interface McpAdapterOptions {
  offer: McpOffer
  /** Bytes; signs `state`. The same on all processes of one installation. */
  stateKey: Uint8Array
  /** A bug of ours: the caller is told without detail, so the log has it. */
  onFault(error: Error): void
  /** What a peer did wrong, as far as the library says; only to be logged. */
  onPeerFault(error: Error): void
}

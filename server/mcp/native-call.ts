/** One request in flight, as an offer sees it: caller, client capabilities, and the channel back to the client. */
import { peerOf, traceIn } from './mcp-frames.ts'
import {
  type McpCallContext,
  type McpContext,
  type McpInputRequest,
  type McpLogEntry,
  type McpPeer,
  type McpRevision,
  mcpLogLevels,
} from './mcp-port.ts'
import { type Id, isObject, notificationText, type Params } from './native-frames.ts'
import { bounds, metaKeys, modern } from './native-protocol.ts'

/** What a client says about itself: in this request since 2026, in its first one before. */
export interface Introduction {
  revision: McpRevision
  peer: McpPeer | undefined
  capabilities: Record<string, unknown>
  /** The minimum level of its log. Undefined means nothing since 2026, and everything before. */
  logLevel: McpLogEntry['level'] | undefined
}

/** Output to the client of one request. */
export interface CallOut {
  /** Replaces an unsent one of the same key. */
  notify(key: string, text: string): void
  /** Dropped when too much is waiting. */
  log(text: string): void
  /** Resolves once it was accepted. */
  send(text: string): Promise<void>
}

/** Asks the client, before 2026, and waits for a human. @returns Undefined if it did not answer. */
export type Ask = (request: McpInputRequest, signal: AbortSignal) => Promise<Record<string, unknown> | undefined>

/** State kept between the requests of a client before 2026. */
export interface SessionMemory {
  /** URIs of the resources it subscribed to. */
  uris: Set<string>
  setLevel(level: McpLogEntry['level']): void
}

export interface Call extends Introduction {
  id: Id
  method: string
  params: Params
  context: McpContext
  /** Aborts with a Problem to answer, or when the client is gone. */
  signal: AbortSignal
  out: CallOut
  ask: Ask | undefined
  /** Undefined if no state is kept between requests. */
  memory: SessionMemory | undefined
}

export function isModern({ revision }: Introduction): boolean {
  return revision === modern
}

export function metaOf(params: Params): Params | undefined {
  return isObject(params._meta) ? params._meta : undefined
}

/** Whether it uses the form of 2026, valid or not. */
export function claimsModern(params: Params): boolean {
  return metaOf(params)?.[metaKeys.revision] !== undefined
}

/** @returns What is wrong with it, as key and text. */
export function readIntroduction(meta: Params): Introduction | [key: string, words: string] {
  const { [metaKeys.revision]: revision, [metaKeys.client]: client, [metaKeys.capabilities]: capabilities } = meta
  if (capabilities === undefined) return [metaKeys.capabilities, 'missing']
  if (typeof revision !== 'string') return [metaKeys.revision, 'must be a string']
  if (!isObject(capabilities)) return [metaKeys.capabilities, 'must be an object']
  const peer = client === undefined ? undefined : peerOf(client)
  if (client !== undefined && !peer) return [metaKeys.client, 'must be an object with a name and a version']
  // The transport checks later whether the revision exists.
  return { revision: revision as McpRevision, peer, capabilities, logLevel: levelOf(meta[metaKeys.logLevel]) }
}

export function levelOf(level: unknown): McpLogEntry['level'] | undefined {
  return mcpLogLevels.find(known => known === level)
}

/** @param more Fields of rounds after the first. */
export function contextOf(
  call: Call,
  hasLog: boolean,
  more?: Pick<McpCallContext, 'inputResponses' | 'state'>,
): McpCallContext {
  const { context, signal, revision, peer, capabilities, id } = call
  const trace = traceIn(call.params._meta)
  const log = hasLog && (call.logLevel !== undefined || !isModern(call)) ? logOf(call) : undefined
  return { ...context, signal, revision, peer, capabilities, id, trace, progress: progressOf(call), log, ...more }
}

function progressOf({ params, out }: Call): McpCallContext['progress'] {
  const progressToken = metaOf(params)?.progressToken
  if (!isToken(progressToken)) return () => undefined
  return ({ progress, total, message }) => {
    out.notify('progress', notificationText('notifications/progress', { progressToken, progress, total, message }))
  }
}

function isToken(token: unknown): token is Id {
  return typeof token === 'string' ? token.length <= bounds.id : Number.isSafeInteger(token)
}

function logOf({ logLevel, out }: Call): McpCallContext['log'] {
  const least = logLevel === undefined ? 0 : mcpLogLevels.indexOf(logLevel)
  return ({ level, logger, data }) => {
    if (mcpLogLevels.indexOf(level) < least) return
    out.log(notificationText('notifications/message', { level, logger, data }))
  }
}

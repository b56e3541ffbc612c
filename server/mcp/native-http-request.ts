/** Parses one HTTP request of Streamable HTTP in any revision, with the refusals that need no offer. */
import type { FetchRequest } from '../platform/http/http-fetch.ts'
import { type HttpSession, sessionHeader } from './http-sessions.ts'
import { maxBatch } from './mcp-frames.ts'
import { type McpRevision, mcpErrors } from './mcp-port.ts'
import { claimsModern, type Introduction, metaOf, readIntroduction } from './native-call.ts'
import { type Refusal, refusal } from './native-errors.ts'
import { type Frame, type Id, readFrame } from './native-frames.ts'
import { batched, codes, handshakeRevisions, metaKeys, modern, unnamed } from './native-protocol.ts'

export type RequestFrame = Extract<Frame, { kind: 'request' }>
export type MessageFrame = Exclude<Frame, { kind: 'wrong' }>

export type Reading =
  | { kind: 'refused'; refusal: Refusal; id: Id | null }
  /** Notifications and responses get no answer. */
  | { kind: 'taken'; frames: MessageFrame[]; session: HttpSession | undefined }
  /** Opens the stream on which a session before 2026 is notified of changes. */
  | { kind: 'stand'; session: HttpSession }
  | { kind: 'handshake'; frame: RequestFrame }
  | { kind: 'request'; frame: RequestFrame; introduction: Introduction; session: HttpSession | undefined }
  | { kind: 'batch'; frames: MessageFrame[]; introduction: Introduction; session: HttpSession | undefined }

/** Finds the caller's session by its id. */
export type FindSession = (name: string) => HttpSession | undefined

export function readRequest(request: FetchRequest, body: unknown, find: FindSession): Reading {
  const { headers, method } = request
  if (standsFor(request)) return readStand(headers, find)
  if (method !== 'POST') return refused(refusal(405, codes.http, 'Method not allowed.'))
  if (!isJson(headers.get('content-type'))) {
    return refused(refusal(415, codes.http, 'Unsupported Media Type: Content-Type must be application/json'))
  }
  if (body === undefined) return refused(refusal(400, mcpErrors.parse, 'Parse error: there is no body'))
  if (Array.isArray(body)) return readBatch(headers, body, find)
  const frame = readFrame(body)
  if (frame.kind === 'wrong') return refused(refusal(400, mcpErrors.invalidRequest, frame.words))
  if (frame.kind !== 'answer' && isModernMessage(frame, headers)) return readModern(headers, frame)
  return readBefore(headers, frame, find)
}

/** Whether the request opens a stream of changes only. */
export function standsFor({ method, headers }: FetchRequest): boolean {
  return method === 'GET' && headers.has(sessionHeader)
}

function readStand(headers: Headers, find: FindSession): Reading {
  const session = sessionOf(headers, find)
  if (!session || session === 'unknown') return refused(noSession)
  if (headers.get('accept')?.includes('text/event-stream')) return { kind: 'stand', session }
  return refused(refusal(406, codes.http, 'Not Acceptable: Client must accept text/event-stream'))
}

/** Whether header or body claim 2026; for a handshake only a complete claim counts. */
function isModernMessage(frame: Exclude<MessageFrame, { kind: 'answer' }>, headers: Headers): boolean {
  const { method, params } = frame
  if (method === 'initialize') {
    const meta = metaOf(params)
    return meta?.[metaKeys.revision] === modern && !Array.isArray(readIntroduction(meta))
  }
  return claimsModern(params) || (headers.get('mcp-protocol-version') ?? '') >= modern
}

function readModern(headers: Headers, frame: Exclude<MessageFrame, { kind: 'answer' }>): Reading {
  const { method, params } = frame
  const id = frame.kind === 'request' ? frame.id : null
  const refuse = (error: Refusal): Reading => ({ kind: 'refused', refusal: error, id })
  const named = headers.get('mcp-protocol-version')
  const meta = metaOf(params)
  const claimed = meta?.[metaKeys.revision]
  if (claimed === undefined && frame.kind === 'notification') {
    // No revision defines notifications over HTTP, so nothing else is required of one.
    if (named !== modern) return refuse(unsupported(named))
    const wrong = wrongMethod(headers, method, false)
    return wrong ? refuse(wrong) : { kind: 'taken', frames: [frame], session: undefined }
  }
  const introduction = readIntroduction(meta ?? {})
  if (claimed === undefined) {
    if (named !== modern) return refuse(unsupported(named))
    const words = `the header MCP-Protocol-Version names ${modern}, but the request lacks ${meta ? metaKeys.revision : '_meta'}`
    return refuse(refusal(400, mcpErrors.invalidParams, `Invalid params: ${words}`))
  }
  if (Array.isArray(introduction) && (frame.kind === 'request' || introduction[0] === metaKeys.revision)) {
    const [key, problem] = introduction
    const words = `Invalid _meta envelope for protocol revision ${modern}: ${key}: ${problem}`
    return refuse(refusal(400, mcpErrors.invalidParams, words, { envelope: { key, problem } }))
  }
  if (named !== null && named !== claimed) {
    return refuse(mismatch(`the body names protocol version ${shown(claimed)}, and MCP-Protocol-Version another one`))
  }
  if (claimed !== modern) return refuse(unsupported(claimed))
  const isRequest = frame.kind === 'request'
  if (isRequest && named === null) return refuse(mismatch('the required header MCP-Protocol-Version is absent'))
  const wrong = wrongMethod(headers, method, isRequest) ?? (isRequest ? wrongName(headers, frame) : undefined)
  if (wrong) return refuse(wrong)
  if (!isRequest || Array.isArray(introduction)) return { kind: 'taken', frames: [frame], session: undefined }
  return { kind: 'request', frame, introduction, session: undefined }
}

function readBefore(headers: Headers, frame: MessageFrame, find: FindSession): Reading {
  const id = frame.kind === 'request' ? frame.id : null
  if (frame.kind === 'request') {
    const accept = headers.get('accept') ?? ''
    if (!accept.includes('application/json') || !accept.includes('text/event-stream')) {
      const words = 'Not Acceptable: Client must accept both application/json and text/event-stream'
      return { kind: 'refused', refusal: refusal(406, codes.http, words), id: null }
    }
    if (frame.method === 'initialize') return readHandshake(headers, frame)
  }
  const named = headers.get('mcp-protocol-version')?.trim()
  if (named !== undefined && !handshakeRevisions.includes(named)) {
    return { kind: 'refused', refusal: unsupported(named), id }
  }
  const session = sessionOf(headers, find)
  if (session === 'unknown') return { kind: 'refused', refusal: noSession, id }
  if (frame.kind !== 'request') return { kind: 'taken', frames: [frame], session }
  return { kind: 'request', frame, introduction: introductionOf(named, session), session }
}

function readHandshake(headers: Headers, frame: RequestFrame): Reading {
  const named = headers.get('mcp-protocol-version')?.trim() ?? ''
  if (named < modern) return { kind: 'handshake', frame }
  const words =
    'an initialize request, which is of earlier revisions, came with a header MCP-Protocol-Version of 2026 or later'
  return { kind: 'refused', refusal: mismatch(words), id: frame.id }
}

function readBatch(headers: Headers, body: unknown[], find: FindSession): Reading {
  const refuse = (words: string) => refused(refusal(400, mcpErrors.invalidRequest, `Invalid Request: ${words}`))
  const named = headers.get('mcp-protocol-version')?.trim()
  if (named !== undefined && named !== batched) return refuse(`only revision ${batched} has batches.`)
  if (body.length === 0) return refuse('the batch is empty.')
  if (body.length > maxBatch) return refuse(`a batch has at most ${maxBatch} messages.`)
  const frames: MessageFrame[] = []
  for (const each of body) {
    const frame = readFrame(each)
    if (frame.kind === 'wrong') return refuse('the batch contains an invalid message.')
    if (frame.kind !== 'answer' && claimsModern(frame.params)) return refuse(`revision ${modern} has no batches.`)
    if (frame.kind === 'request' && frame.method === 'initialize') return refuse('initialize must not be in a batch.')
    frames.push(frame)
  }
  const session = sessionOf(headers, find)
  if (session === 'unknown') return refused(noSession)
  if (!frames.some(({ kind }) => kind === 'request')) return { kind: 'taken', frames, session }
  return { kind: 'batch', frames, introduction: introductionOf(batched, session), session }
}

/** "The server MAY terminate the session at any time, after which it MUST respond … with HTTP 404." */
const noSession = refusal(404, codes.noSession, 'Session not found: initialize again.')

function sessionOf(headers: Headers, find: FindSession): HttpSession | 'unknown' | undefined {
  const name = headers.get(sessionHeader)
  return name === null ? undefined : (find(name) ?? 'unknown')
}

function introductionOf(named: string | undefined, session: HttpSession | undefined): Introduction {
  const revision = (named ?? session?.revision ?? unnamed) as McpRevision
  const { peer, capabilities = {}, logLevel } = session ?? {}
  return { revision, peer, capabilities, logLevel }
}

function refused(error: Refusal): Reading {
  return { kind: 'refused', refusal: error, id: null }
}

function isJson(type: string | null): boolean {
  return type === 'application/json' || type?.split(';', 1)[0]?.trim().toLowerCase() === 'application/json'
}

/** Shortened, since it is repeated. */
function shown(value: unknown): string {
  return String(value).slice(0, 40)
}

function unsupported(named: unknown): Refusal {
  const requested = shown(named)
  const data = { supported: [modern], requested }
  return refusal(400, codes.unsupportedRevision, `Unsupported protocol version: ${requested}`, data)
}

function mismatch(words: string): Refusal {
  return refusal(400, codes.headerMismatch, `Bad Request: the request headers and body disagree: ${words}`)
}

function wrongMethod(headers: Headers, method: string, isRequired: boolean): Refusal | undefined {
  const named = headers.get('mcp-method')
  if (named === method || (named === null && !isRequired)) return undefined
  if (named === null) return mismatch('the required header Mcp-Method is absent')
  return mismatch(`the body names method ${shown(method)}, and Mcp-Method another one`)
}

/** The parameter that the header `Mcp-Name` repeats. */
const nameFields = new Map([
  ['tools/call', 'name'],
  ['prompts/get', 'name'],
  ['resources/read', 'uri'],
])

function wrongName(headers: Headers, { method, params }: RequestFrame): Refusal | undefined {
  const field = nameFields.get(method)
  if (field === undefined) return undefined
  const value = params[field]
  const named = headers.get('mcp-name')
  if (named === value) return undefined
  // A missing name is reported later.
  if (named === null) return typeof value === 'string' ? mismatch('the required header Mcp-Name is absent') : undefined
  const decoded = decodeName(named)
  if (decoded === undefined) return mismatch('the header Mcp-Name has an invalid Base64 value')
  if (typeof value !== 'string' || decoded === value) return undefined
  return mismatch(`params.${field} is not what Mcp-Name says`)
}

const encoded = /^=\?base64\?([A-Za-z0-9+/]*={0,2})\?=$/

/** SEP-2243, "Value Encoding". */
function decodeName(named: string): string | undefined {
  if (!named.startsWith('=?base64?') || !named.endsWith('?=')) return named
  const digits = encoded.exec(named)?.[1]
  if (digits === undefined || digits.length % 4 !== 0) return undefined
  const text = Buffer.from(digits, 'base64').toString('utf8')
  return Buffer.from(text).toString('base64') === digits ? text : undefined
}

/**
 * Reads and writes the JSON-RPC 2.0 messages of MCP. Untrusted input is validated once, here, and not trusted further.
 */
import { bounds } from './native-protocol.ts'

export type Id = string | number
export type Params = Record<string, unknown>

export type Frame =
  | { kind: 'request'; id: Id; method: string; params: Params }
  | { kind: 'notification'; method: string; params: Params }
  /** A response to a request of ours; without a result it is an error. */
  | { kind: 'answer'; id: Id; result: Record<string, unknown> | undefined }
  | { kind: 'wrong'; words: string }

const noParams: Params = Object.freeze({})

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** @param body Parsed JSON of any form. */
export function readFrame(body: unknown): Frame {
  if (!isObject(body) || body.jsonrpc !== '2.0') return wrong('this is not a JSON-RPC 2.0 message.')
  const { id, method, params = noParams } = body
  if (id !== undefined && !isId(id)) {
    return wrong(`the id must be a whole number or a string of at most ${bounds.id} characters.`)
  }
  if (method === undefined) return readAnswer(body, id)
  if (typeof method !== 'string' || method.length > bounds.id) return wrong('the method must be a short string.')
  if (!isObject(params)) return wrong('the params must be an object.')
  if (id === undefined) return { kind: 'notification', method, params }
  return { kind: 'request', id, method, params }
}

function readAnswer({ result, error }: Record<string, unknown>, id: Id | undefined): Frame {
  if (id === undefined || isObject(result) === isObject(error)) return wrong('there is no method.')
  return { kind: 'answer', id, result: isObject(result) ? result : undefined }
}

/** Whether the id survives being repeated. */
function isId(id: unknown): id is Id {
  return typeof id === 'string' ? id.length <= bounds.id : Number.isSafeInteger(id)
}

function wrong(words: string): Frame {
  return { kind: 'wrong', words: `Invalid Request: ${words}` }
}

/** @param result JSON. */
export function resultText(id: Id, result: string): string {
  return `{"result":${result},"jsonrpc":"2.0","id":${JSON.stringify(id)}}`
}

export interface WireError {
  code: number
  message: string
  data?: Record<string, unknown> | undefined
}

/** @param id Null if it could not be read. */
export function errorText(id: Id | null, { code, message, data }: WireError): string {
  return JSON.stringify({ jsonrpc: '2.0', id, error: { code, message, data } })
}

export function notificationText(method: string, params?: Params): string {
  return JSON.stringify({ jsonrpc: '2.0', method, params })
}

export function requestText(id: Id, method: string, params?: Params): string {
  return JSON.stringify({ jsonrpc: '2.0', id, method, params })
}

/** Encodes an event of a stream; JSON text contains no line ends. */
export function eventOf(text: string): string {
  return `event: message\ndata: ${text}\n\n`
}

/** Calls the server through the contract: `call(api.accounts.getAccount, { params: { account_id } })`. */

import { type SseMessage, SseParser } from '../../client/sse-parser.ts'
import type { Endpoint } from '../../contract/endpoint.ts'
import type { ProblemBody } from '../../contract/problem.ts'

/** A problem that the server returned; or, with the code `unreachable`, a request that got no response from it. */
export class ApiProblem extends Error {
  readonly status: number
  readonly body: ProblemBody
  readonly retryAfterSeconds: number | undefined
  /** When the response arrived, by this machine's clock in epoch milliseconds. */
  readonly receivedAt = Date.now()

  constructor(body: ProblemBody, options: { cause?: unknown; retryAfterSeconds?: number | undefined } = {}) {
    super(body.detail, { cause: options.cause })
    this.name = 'ApiProblem'
    this.status = body.status
    this.body = body
    this.retryAfterSeconds = options.retryAfterSeconds
  }

  get code(): string {
    return this.body.code
  }

  /** Returns the validation error of one field, by its path (`body.imap.port`). */
  faultOf(path: string): string | undefined {
    return this.body.errors?.find(error => error.path === path)?.message
  }
}

type Part<Name extends string, Value> = unknown extends Value ? object : { [K in Name]: Value }
type QueryPart<Value> = unknown extends Value
  ? object
  : { query?: { [K in keyof Value]?: Value[K] | string | undefined } }

/** The input of an endpoint; query parameters that have a default may be omitted. */
export type RequestOf<Params, Query, Body> = Part<'params', Params> &
  QueryPart<Query> &
  Part<'body', Body> & { signal?: AbortSignal | undefined; headers?: Readonly<Record<string, string>> }

interface LooseRequest {
  params?: unknown
  query?: unknown
  body?: unknown
  signal?: AbortSignal | undefined
  headers?: Readonly<Record<string, string>>
}

type Arguments<Request> = object extends Request ? [request?: Request] : [request: Request]

/**
 * Calls an endpoint and returns its response.
 * @throws ApiProblem if the server refuses or is unreachable; an aborted call throws what `fetch` throws.
 */
export async function call<Params, Query, Body, Response>(
  endpoint: Endpoint<Params, Query, Body, Response>,
  ...[request]: Arguments<RequestOf<Params, Query, Body>>
): Promise<Response> {
  const response = await send(endpoint, request ?? {}, 'application/json')
  // The cast is true because the server validates its responses against the same contract.
  return (response.status === 204 ? undefined : await response.json()) as Response
}

/** Calls a streaming endpoint and yields its events as they arrive. */
export async function* callStream<Params, Query, Body, Response>(
  endpoint: Endpoint<Params, Query, Body, Response>,
  ...[request]: Arguments<RequestOf<Params, Query, Body>>
): AsyncGenerator<SseMessage> {
  const response = await send(endpoint, request ?? {}, 'text/event-stream')
  const reader = response.body!.getReader()
  const decoder = new TextDecoder()
  const parser = new SseParser()
  try {
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      yield* parser.push(decoder.decode(piece.value, { stream: true }))
    }
  } finally {
    await reader.cancel()
  }
}

/** Reads the first `mostBytes` bytes of a file as text, then cancels the download. */
export async function readBeginning(
  path: string,
  params: Record<string, string>,
  mostBytes: number,
  signal: AbortSignal,
): Promise<{ text: string; isWhole: boolean }> {
  const response = await send({ method: 'GET', path }, { params, signal }, 'application/octet-stream')
  const reader = response.body!.getReader()
  const decoder = new TextDecoder()
  let text = ''
  let left = mostBytes
  try {
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      text += decoder.decode(piece.value.subarray(0, left), { stream: true })
      if (piece.value.length > left) return { text, isWhole: false }
      left -= piece.value.length
    }
    return { text: text + decoder.decode(), isWhole: true }
  } finally {
    await reader.cancel()
  }
}

async function send(endpoint: Pick<Endpoint, 'method' | 'path'>, request: LooseRequest, accept: string) {
  const { body, signal } = request
  let response: Response
  try {
    response = await fetch(addressOf(endpoint.path, request.params, request.query), {
      method: endpoint.method,
      headers: { ...request.headers, accept, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      credentials: 'same-origin',
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal ? { signal } : {}),
    })
  } catch (cause) {
    if (signal?.aborted) throw cause
    throw new ApiProblem(unreachable(0, 'The server did not answer. Is it running?'), { cause })
  }
  if (!response.ok) throw await problemOf(response)
  return response
}

export function addressOf(path: string, params: unknown, query: unknown): string {
  const values: Record<string, unknown> = { ...(params ?? {}) }
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(values[name])))
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query ?? {})) if (value !== undefined) search.set(name, String(value))
  return search.size > 0 ? `${filled}?${search}` : filled
}

async function problemOf(response: Response): Promise<ApiProblem> {
  const retryAfter = response.headers.get('retry-after')
  const retryAfterSeconds = retryAfter === null ? undefined : Number(retryAfter) || undefined
  const isProblem = response.headers.get('content-type')?.startsWith('application/problem+json')
  // A proxy in between may respond with something other than a problem document.
  const body: ProblemBody = isProblem
    ? await response.json()
    : unreachable(response.status, `A proxy between this page and the server answered ${response.status}.`)
  return new ApiProblem(body, { retryAfterSeconds })
}

function unreachable(status: number, detail: string): ProblemBody {
  return { type: '/problems/unreachable', title: 'No answer', status, detail, instance: '', code: 'unreachable' }
}

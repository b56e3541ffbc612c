/**
 * Sessions of MCP (revisions of 2025, Streamable HTTP, "Session Management"): each run of a client gets a name, by
 * which its work is found and undone. No state is kept here, so every well-formed name is accepted: it is a label
 * within its token, and grants nothing.
 */
import { randomBytes } from 'node:crypto'
import { WorkSession } from '../../contract/work-session.ts'
import { TextAnswer } from '../platform/http/answer-text.ts'
import type { FetchAnswer } from '../platform/http/http-fetch.ts'
import type { Caller } from '../platform/principal.ts'
import { runOf, sessionHeader } from './http-sessions.ts'

const header = sessionHeader

/** Reads the session name of a request; `unknown` if it cannot be ours, so that the client must initialize again. */
export function mcpSessionOf(headers: Headers): { name: string | undefined } | 'unknown' {
  const value = headers.get(header)
  if (value === null) return { name: undefined }
  const name = WorkSession.safeParse(runOf(value))
  return name.success ? { name: name.data } : 'unknown'
}

/** Sets the session name, unless the caller chose one by our own header. */
export function callerIn(caller: Caller, name: string | undefined): Caller {
  const { principal } = caller
  if (name === undefined || principal.workSession !== undefined) return caller
  return { ...caller, principal: { ...principal, workSession: name } }
}

/** Returns an unguessable name. @param mark Names the transport. */
export function newSessionName(mark: 'mcp' | 'sse' | 'stdio'): string {
  return `${mark}-${randomBytes(24).toString('base64url')}`
}

/** Adds a session name to a successful answer to `initialize` that has none yet. */
export function withNewSession(answer: FetchAnswer, body: unknown): FetchAnswer {
  if (!answer.ok || !isInitialize(body) || answer.headers.has(header)) return answer
  const headers = new Headers(answer.headers)
  headers.set(header, newSessionName('mcp'))
  const { status } = answer
  return answer instanceof TextAnswer
    ? new TextAnswer(answer.words, { status, headers })
    : new Response(answer.body, { status, headers })
}

/** "The server MAY terminate the session at any time, after which it MUST respond … with HTTP 404." */
export function sessionNotFound(): Response {
  const error = { code: -32_001, message: 'Session not found: initialize again.' }
  return Response.json({ jsonrpc: '2.0', error, id: null }, { status: 404 })
}

function isInitialize(body: unknown): boolean {
  return typeof body === 'object' && body !== null && 'method' in body && body.method === 'initialize' && 'id' in body
}

/**
 * Sessions of MCP (revisions of 2025, Streamable HTTP, "Session Management"): each client run gets a name, by which what it did is found and
 * undone. Nothing is kept of it here, so each well-formed name is taken: it is a label within the token that comes with it, and grants nothing.
 */
import { randomBytes } from 'node:crypto'
import { WorkSession } from '../../contract/work-session.ts'
import { TextAnswer } from '../platform/http/answer-text.ts'
import type { FetchAnswer } from '../platform/http/http-fetch.ts'
import type { Caller } from '../platform/principal.ts'
import { runOf, sessionHeader } from './http-sessions.ts'

const header = sessionHeader

/** What the request names; `unknown` for what cannot be a name of ours, which the client must drop and initialize again. */
export function mcpSessionOf(headers: Headers): { name: string | undefined } | 'unknown' {
  const value = headers.get(header)
  if (value === null) return { name: undefined }
  const name = WorkSession.safeParse(runOf(value))
  return name.success ? { name: name.data } : 'unknown'
}

/** A name that the caller chose by the header of ours is its own choice, and stays. */
export function callerIn(caller: Caller, name: string | undefined): Caller {
  const { principal } = caller
  if (name === undefined || principal.workSession !== undefined) return caller
  return { ...caller, principal: { ...principal, workSession: name } }
}

/** Random, so that nobody guesses it. @param mark Of the transport. */
export function newSessionName(mark: 'mcp' | 'sse' | 'stdio'): string {
  return `${mark}-${randomBytes(24).toString('base64url')}`
}

/** With a name for the run that begins here, if one does and has none yet: of what is refused, none. */
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

/** An endpoint as data: the server validates with it, OpenAPI is rendered from it, the page calls through it. */
import type { z } from 'zod'
import type { ProblemCode } from './problem.ts'
import type { Scope } from './scope.ts'

export type Effect = 'read' | 'write' | 'send' | 'destroy'

export type LimitName = 'sign_in' | 'search' | 'index_search' | 'assistant' | 'connect' | 'access'

/** A header of a request that means something beside those that every request may have. */
export interface RequestHeader {
  name: string
  description: string
  example: string
}

export interface BodyShape {
  names: number
  values: number
}

export interface Endpoint<Params = unknown, Query = unknown, Body = unknown, Response = unknown> {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** With parameters in braces, as in OpenAPI: `/api/v1/accounts/{account_id}/folders`. */
  path: string
  tag: string
  summary: string
  description?: string
  /** What a principal must hold. `public` answers without one; `signed_in` wants any principal. */
  scope: Scope | 'public' | 'signed_in'
  effect: Effect
  params?: z.ZodType<Params>
  query?: z.ZodType<Query>
  body?: z.ZodType<Body>
  response: z.ZodType<Response>
  /** Status of success; 200 unless said otherwise, 204 has no body. */
  status?: 200 | 201 | 202 | 204
  /** What it may answer beside the problems that every endpoint of its kind shares: see `openapi-problems.ts`. */
  problems?: readonly ProblemCode[]
  /** Calls that cost much, or that guess, have a narrower limit of their own beside the common one. */
  limit?: LimitName
  /** With this value of the query a call costs less, and has this limit in place of the other. */
  lighter?: { name: string; value: string; limit: LimitName }
  /** The answer is `text/event-stream`: always, or when the client accepts that. */
  stream?: 'always' | 'accepted'
  /** Bytes of a body, where it may be larger than others of its kind: see `bodyLimitOf`. */
  bodyLimit?: number
  /** What a body may hold, where it may be more than elsewhere: members of objects; and members, items, objects and lists. */
  bodyShape?: BodyShape
  /**
   * Takes something away from somebody, at least with such a body. It is let in also while the audit trail cannot be written, since
   * what is revoked must end at once.
   */
  isRevocation?(body: Body): boolean
  /** Which callers may use it, where the scope alone does not decide: users only, or everything but API tokens. The gate refuses others for `session`; services refuse tokens for `not_token`. */
  callers?: 'session' | 'not_token'
  headers?: readonly RequestHeader[]
  /** A success sets the cookie of a session, or takes it away. */
  setsCookie?: true
  /** What else it answers with the body of a success. */
  alsoStatus?: 503
  /** Each part of the streamed answer, which is the `data` of one event. */
  part?: z.ZodType
  /** Not counted as a request in the figures: health, event streams, metrics. */
  uncounted?: true
}

/** Declares an endpoint; only here to infer its types. */
export function endpoint<Params = unknown, Query = unknown, Body = unknown, Response = unknown>(
  spec: Endpoint<Params, Query, Body, Response>,
): Endpoint<Params, Query, Body, Response> {
  return spec
}

const KiB = 1024

/** Bytes that a body may have: of an endpoint that takes none, that anyone may ask, and of the rest. */
export const bodyLimits = { none: KiB, public: 16 * KiB, usual: 64 * KiB } as const

export function bodyLimitOf({ body, scope, bodyLimit }: Pick<Endpoint, 'body' | 'scope' | 'bodyLimit'>): number {
  if (bodyLimit !== undefined) return bodyLimit
  if (!body) return bodyLimits.none
  return scope === 'public' ? bodyLimits.public : bodyLimits.usual
}

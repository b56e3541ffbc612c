/** An endpoint as data: the server validates with it, OpenAPI is rendered from it, the page calls through it. */
import type { z } from 'zod'
import type { ProblemCode } from './problem.ts'
import type { Scope } from './scope.ts'

export type Effect = 'read' | 'write' | 'send' | 'destroy'

export type LimitName = 'sign_in' | 'search' | 'index_search' | 'assistant' | 'connect' | 'access'

/** A request header that has a meaning for this endpoint, beside those that every request may have. */
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
  /** Path with parameters in braces, as in OpenAPI: `/api/v1/accounts/{account_id}/folders`. */
  path: string
  tag: string
  summary: string
  description?: string
  /** Scope that a principal must hold. `public` needs no principal; `signed_in` accepts any. */
  scope: Scope | 'public' | 'signed_in'
  effect: Effect
  params?: z.ZodType<Params>
  query?: z.ZodType<Query>
  body?: z.ZodType<Body>
  response: z.ZodType<Response>
  /** Status of success, 200 by default; 204 has no body. */
  status?: 200 | 201 | 202 | 204
  /** Problems beside those shared by every endpoint of its kind: see `openapi-problems.ts`. */
  problems?: readonly ProblemCode[]
  /** A narrower rate limit, beside the common one, for calls that are expensive or could be used to guess secrets. */
  limit?: LimitName
  /** A query value with which a call is cheaper, and the rate limit that then replaces `limit`. */
  lighter?: { name: string; value: string; limit: LimitName }
  /** Whether the response is `text/event-stream`: always, or if the client accepts that. */
  stream?: 'always' | 'accepted'
  /** Maximum bytes of a body that may be larger than usual: see `bodyLimitOf`. */
  bodyLimit?: number
  /** Bounds of a body that may have more than usual: members of objects; members, items, objects and lists together. */
  bodyShape?: BodyShape
  /**
   * A revocation, at least with such a body. It is accepted even while the audit trail cannot be written, since
   * revoked access must end immediately.
   */
  isRevocation?(body: Body): boolean
  /** Callers that may use it, if the scope alone does not decide: only users (`session`, enforced by the gate), or all except API tokens (`not_token`, by services). */
  callers?: 'session' | 'not_token'
  headers?: readonly RequestHeader[]
  /** Whether a success sets or clears the session cookie. */
  setsCookie?: true
  /** Further statuses that have the body of a success. */
  alsoStatus?: 503
  /** Schema of each part of a streamed response, the `data` of one event. */
  part?: z.ZodType
  /** Whether it is excluded from request metrics: health, event streams, metrics. */
  uncounted?: true
}

/** Declares an endpoint; an identity function that infers its types. */
export function endpoint<Params = unknown, Query = unknown, Body = unknown, Response = unknown>(
  spec: Endpoint<Params, Query, Body, Response>,
): Endpoint<Params, Query, Body, Response> {
  return spec
}

const KiB = 1024

/** Default body limits in bytes: for endpoints without a body, for public ones, and for all others. */
export const bodyLimits = { none: KiB, public: 16 * KiB, usual: 64 * KiB } as const

export function bodyLimitOf({ body, scope, bodyLimit }: Pick<Endpoint, 'body' | 'scope' | 'bodyLimit'>): number {
  if (bodyLimit !== undefined) return bodyLimit
  if (!body) return bodyLimits.none
  return scope === 'public' ? bodyLimits.public : bodyLimits.usual
}

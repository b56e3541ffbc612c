/** What a request of Fastify carries here beside its own fields, and what a route says of itself. */
import type { FastifyInstance } from 'fastify'
import type { Endpoint, LimitName } from '../../../contract/endpoint.ts'
import type { Operation } from '../guard.ts'
import type { Caller } from '../principal.ts'
import type { SafeInput } from './http-input.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** What its route says of itself: Fastify makes `routeOptions` again for each look. Undefined where no route was looked up. */
    route: FastifyContextConfig | undefined
    caller: Caller | undefined
    /** Where it came from; still known when the connection is gone. */
    address: string
    /** When, by performance.now(). */
    began: number
    /** Of the problem that was answered; or what came of it that is neither done nor refused. */
    outcomeCode: string | undefined
    /** Whether there was a cookie, a token or a key, right or wrong. */
    hasCredentials: boolean
    /** What was sent, once it is checked. */
    safeInput: SafeInput | undefined
    /** What the handler wants to have in the trail; no secrets. */
    notes: Record<string, string> | undefined
    isRecorded: boolean
    /** Until the trail has it. */
    recording: Promise<void> | undefined
  }
  interface FastifyContextConfig {
    operation?: Operation
    isCounted?: boolean
    limit?: LimitName | undefined
    lighter?: Endpoint['lighter']
    bodyShape?: Endpoint['bodyShape']
    takesForm?: boolean
    /** Its answer may be a stream that takes the connection. */
    mayTake?: boolean
  }
}

/** So that all requests have the same shape from the beginning. */
export function decorateRequests(server: FastifyInstance): void {
  server.decorateRequest('route', undefined)
  server.decorateRequest('caller', undefined)
  server.decorateRequest('address', '')
  server.decorateRequest('began', 0)
  server.decorateRequest('outcomeCode', undefined)
  server.decorateRequest('hasCredentials', false)
  server.decorateRequest('safeInput', undefined)
  server.decorateRequest('notes', undefined)
  server.decorateRequest('isRecorded', false)
  server.decorateRequest('recording', undefined)
}

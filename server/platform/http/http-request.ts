/** Fields that are added to Fastify's requests, and the configuration of routes. */
import type { FastifyInstance } from 'fastify'
import type { Endpoint, LimitName } from '../../../contract/endpoint.ts'
import type { Operation } from '../guard.ts'
import type { Caller } from '../principal.ts'
import type { SafeInput } from './http-input.ts'
import type { BodyFault } from './json-fault.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /**
     * Cached configuration of its route, since Fastify rebuilds `routeOptions` per access; undefined without a route.
     */
    route: FastifyContextConfig | undefined
    caller: Caller | undefined
    /** The caller's address, known even after the connection was closed. */
    address: string
    /** Start time by performance.now(). */
    began: number
    /** Code of the problem that was answered, or another outcome than `ok`. */
    outcomeCode: string | undefined
    /** Whether there was a cookie, a token or a key, valid or not. */
    hasCredentials: boolean
    /** The validated input without secrets. */
    safeInput: SafeInput | undefined
    /** References noted by the handler for the audit trail; no secrets. */
    notes: Record<string, string> | undefined
    isRecorded: boolean
    /** Resolves once the audit trail has recorded it. */
    recording: Promise<void> | undefined
  }
  interface FastifyContextConfig {
    operation?: Operation
    isCounted?: boolean
    limit?: LimitName | undefined
    lighter?: Endpoint['lighter']
    bodyShape?: Endpoint['bodyShape']
    takesForm?: boolean
    /** Renders the fault of a body as JSON, in a protocol that has errors of its own; answered with status 400. */
    faultText?: ((fault: BodyFault) => string) | undefined
    /** Whether its answer may be a stream that takes over the connection. */
    mayTake?: boolean
  }
}

/** Declares the fields, so that all requests have the same hidden class. */
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

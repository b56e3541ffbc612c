/** /api/dashboard/tokens/{token_id}/policy. */
import { policyApi } from '../../contract/policy.ts'
import { type HttpServer, handle } from '../platform/http/http-server.ts'
import type { PolicyService } from './policy-service.ts'

export function policyRoutes(http: HttpServer, policies: PolicyService): void {
  handle(http, policyApi.getTokenPolicy, ({ principal, params }) => policies.get(principal, params.token_id))
  handle(http, policyApi.setTokenPolicy, ({ principal, params, body }) =>
    policies.set(principal, params.token_id, body),
  )
}

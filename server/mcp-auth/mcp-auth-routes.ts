/** OAuth for MCP: its settings, the decisions of users, and the endpoints for clients and browsers. */
import {
  authorizationServerPath,
  mcpAuthApi,
  mcpAuthPaths,
  openidConfigurationPath,
  protectedResourcePath,
} from '../../contract/mcp-auth.ts'
import type { Operation } from '../platform/guard.ts'
import type { Call } from '../platform/http/http-call.ts'
import { publicOriginOf } from '../platform/http/http-origin.ts'
import { handlePlain } from '../platform/http/http-plain.ts'
import { type HttpServer, handle } from '../platform/http/http-server.ts'
import { Problem } from '../platform/problem.ts'
import type { McpAuthExchange } from './mcp-auth-exchange.ts'
import type { McpAuthService } from './mcp-auth-service.ts'
import { resourceMetadata } from './protected-resource.ts'

export interface McpAuthParts {
  service: McpAuthService
  exchange: McpAuthExchange
}

const KiB = 1_024

function open(name: string, effect: Operation['effect'], more: Partial<Operation> = {}): Operation {
  return { name: `mcpAuth.${name}`, scope: 'public', effect, isForPrograms: true, ...more }
}

export function mcpAuthRoutes(http: HttpServer, { service, exchange }: McpAuthParts): void {
  const { origins } = http.options
  const visitorOf = (call: Call<unknown, unknown, unknown>) => {
    const host = call.header('host') ?? call.header(':authority')
    const origin = publicOriginOf({ host }, origins)
    return { principal: call.principal, origin, cookie: call.header('cookie') ?? '' }
  }
  handle(http, mcpAuthApi.getMcpAuth, call => service.get(visitorOf(call).origin))
  handle(http, mcpAuthApi.setMcpAuth, call => {
    call.note({ enabled: String(call.body.enabled) })
    return service.set(visitorOf(call), call.body.enabled)
  })
  handle(http, mcpAuthApi.getConnectionRequest, call => service.getRequest(visitorOf(call), call.params.request_id))
  handle(http, mcpAuthApi.approveConnection, async call => {
    const { path, tokenId } = await service.approve(visitorOf(call), call.params.request_id, call.body)
    call.note({ token_id: tokenId, preset: call.body.preset })
    return { redirect_to: path }
  })
  handle(http, mcpAuthApi.denyConnection, async call => ({
    redirect_to: await service.deny(visitorOf(call), call.params.request_id),
  }))

  for (const [path, resource] of [
    [protectedResourcePath, '/mcp'],
    [`${protectedResourcePath}/mcp`, '/mcp'],
    [`${protectedResourcePath}/sse`, '/sse'],
  ] as const) {
    const operation = open('getResourceMetadata', 'read')
    handlePlain(http, { method: 'GET', path, operation }, async ({ origin }) => {
      if (!service.isOn) throw new Problem('not_found', 'Nothing exists at this path.')
      const body = JSON.stringify(resourceMetadata(origin, resource))
      return { status: 200, headers: { 'content-type': 'application/json' }, body }
    })
  }
  const metadata = open('getServerMetadata', 'read')
  for (const path of [authorizationServerPath, openidConfigurationPath]) {
    for (const suffix of ['', '/mcp', '/sse']) {
      handlePlain(http, { method: 'GET', path: path + suffix, operation: metadata }, call =>
        exchange.metadata(call, path),
      )
    }
  }
  const { authorize, resume, token, revoke, register, jwks } = mcpAuthPaths
  handlePlain(http, { method: 'GET', path: jwks, operation: open('getKeys', 'read') }, call => exchange.pass(call))
  // Called by a browser; may cause a document to be fetched, hence the limit.
  const browser = open('authorize', 'read', { limit: 'access' })
  handlePlain(http, { method: 'GET', path: authorize, operation: browser }, call => exchange.authorize(call))
  handlePlain(http, { method: 'GET', path: resume, operation: open('resume', 'read') }, call => exchange.resume(call))
  const form = { method: 'POST', bodyLimit: 16 * KiB, takesForm: true } as const
  handlePlain(http, { ...form, path: token, operation: open('issueTokens', 'write') }, call => exchange.form(call))
  const ending = open('revokeTokens', 'destroy', { mayRevoke: true })
  handlePlain(http, { ...form, path: revoke, operation: ending }, call => exchange.form(call))
  const registering = open('register', 'write', { limit: 'access' })
  handlePlain(http, { method: 'POST', path: register, operation: registering, bodyLimit: 16 * KiB }, call =>
    exchange.register(call),
  )
}

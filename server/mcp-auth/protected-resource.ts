/** The metadata that the MCP server offers to clients without access (RFC 9728), and the challenge of a refusal. */
import { connectionScopes, protectedResourcePath } from '../../contract/mcp-auth.ts'
import { isMailScope, type Scope, scopes, withIncluded } from '../../contract/scope.ts'
import type { RefusedCall } from '../platform/http/http-judges.ts'

/** The scopes to ask for by default; the user decides which are granted. */
const usualScopes = withIncluded('mail:draft')

/** @param path `/mcp` or `/sse`. */
export function resourceMetadata(origin: string, path: string) {
  return {
    resource: origin + path,
    authorization_servers: [origin],
    scopes_supported: connectionScopes,
    bearer_methods_supported: ['header'],
    resource_name: 'RustyMail',
  }
}

/**
 * Returns the `WWW-Authenticate` header of a refusal (RFC 6750, section 3; RFC 9728, section 5.1); undefined if it
 * needs none of ours.
 */
export function challengeOf({ problem, origin, principal, hasCredentials }: RefusedCall): string | undefined {
  const where = `resource_metadata="${origin}${protectedResourcePath}/mcp"`
  if (problem.status === 401) {
    const wrong = hasCredentials ? 'error="invalid_token", ' : ''
    return `Bearer realm="RustyMail", ${wrong}${where}, scope="${usualScopes.join(' ')}"`
  }
  const missing = problem.extension.missing_scope
  if (problem.status !== 403 || missing === undefined || principal.audience === undefined) return undefined
  const needed = new Set<Scope>([...principal.scopes].filter(isMailScope))
  for (const scope of scopes) if (scope === missing) for (const each of withIncluded(scope)) needed.add(each)
  const scope = scopes.filter(each => needed.has(each)).join(' ')
  return `Bearer realm="RustyMail", error="insufficient_scope", scope="${scope}", ${where}`
}

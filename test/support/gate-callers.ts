/** Every kind of caller that the gate knows, and what a served route declares. */
import { Role } from '../../contract/access.ts'
import { type Scope, scopes, withIncluded } from '../../contract/scope.ts'
import type { HttpServer } from '../../server/platform/http/http-server.ts'
import type { Answer, People, Proof } from './people.ts'

export type Route = HttpServer['routes'][number]
export type Declared = Route & { operation: NonNullable<Route['operation']> }

interface Caller {
  proof: Proof
  /** The scopes held; undefined for anonymous callers. */
  scopes: readonly Scope[] | undefined
  role?: Role
}

export const apiKey = 'an-api-key-for-tests-only'
/** Configures a provider that does not respond, so that its two addresses are served. */
export const environment = {
  RUSTYMAIL_API_KEY: apiKey,
  RUSTYMAIL_OIDC_ISSUER: 'http://127.0.0.1:1',
  RUSTYMAIL_OIDC_CLIENT_ID: 'rustymail',
  RUSTYMAIL_OIDC_ROLES: 'everyone=viewer',
}
const scopesOf: Record<Role, readonly Scope[]> = {
  viewer: ['dashboard:read'],
  operator: ['dashboard:read', 'dashboard:operate', 'mail:meta', 'mail:read'],
  administrator: scopes,
}

/** Names of all callers below, as tests use them. */
export const callerNames = [
  'nobody',
  'a wrong token',
  'a wrong session',
  ...Role.options,
  ...scopes.map(scope => scope as string),
  'API key',
]

export async function gateCallers(people: People): Promise<Map<string, Caller>> {
  const callers = new Map<string, Caller>()
  callers.set('nobody', { proof: {}, scopes: undefined })
  callers.set('a wrong token', { proof: { authorization: 'Bearer rm_wrong' }, scopes: undefined })
  callers.set('a wrong session', { proof: { cookie: 'rustymail_session=wrong' }, scopes: undefined })
  for (const role of Role.options) {
    const { proof } = await people.invite(role)
    callers.set(role, { proof, scopes: scopesOf[role], role })
  }
  for (const scope of scopes) {
    const { proof } = await people.token([scope])
    callers.set(scope, { proof, scopes: withIncluded(scope) })
  }
  callers.set('API key', { proof: { 'x-api-key': apiKey }, scopes })
  return callers
}

export const isDeclared = (route: Route): route is Declared => route.operation !== undefined
/** Fills in parameters that match nothing. */
export const pathOf = ({ path }: Pick<Route, 'path'>) =>
  path.replaceAll(/:\w+/g, 'nosuchthing').replace('*', 'nosuchthing')
export const bodyOf = ({ method }: Route) => (['GET', 'HEAD', 'DELETE'].includes(method) ? undefined : {})

/** Derives from a response what the gate did with its request. */
export function verdictOf({ status, text }: Answer): string {
  if (status === 500) return `a fault: ${text}`
  if (status !== 401 && status !== 403) return 'let in'
  const { code, missing_scope } = JSON.parse(text) as { code: string; missing_scope?: string }
  if (code === 'unauthorized') return 'unknown'
  // Behind the gate others may refuse: a wrong password, or a token where a user is required.
  if (code !== 'forbidden' && code !== 'origin_not_allowed') return 'let in'
  return `${code}: ${missing_scope}`
}

/** Returns what the gate has to do, by the scope that the route declares. */
export function expectedOf({ scope }: Declared['operation'], held: Caller['scopes']): string {
  if (scope === 'public') return 'let in'
  if (held === undefined) return 'unknown'
  return scope === 'signed_in' || held.includes(scope) ? 'let in' : `forbidden: ${scope}`
}

/** The gate over HTTPS with HTTP/2: the same answers to the same callers as test/gate.test.ts gets over plain HTTP. */
import { expect, test } from 'vitest'
import type { Role } from '../contract/access.ts'
import { api } from '../contract/index.ts'
import { type Scope, scopes, withIncluded } from '../contract/scope.ts'
import type { Answer, Proof } from './support/people.ts'
import { startAppOverTls } from './support/people-over-2.ts'

const scopesOf = {
  viewer: ['dashboard:read'] as const,
  administrator: scopes,
}
/** These end the session that calls them. */
const leaving = ['access.closeSession', 'access.endAllSessions']

async function startOverTls() {
  const { app, people } = await startAppOverTls()
  const routes = app.http.routes.flatMap(({ method, path, operation }) =>
    operation && method !== 'HEAD' ? [{ method, path: path.replaceAll(/:\w+/g, 'nosuchthing'), operation }] : [],
  )
  return { people, routes }
}

type Route = Awaited<ReturnType<typeof startOverTls>>['routes'][number]

const bodyOf = ({ method }: Route) => (['GET', 'DELETE'].includes(method) ? undefined : {})

function verdictOf({ status, text }: Answer): string {
  if (status === 500) return `a fault: ${text}`
  if (status !== 401 && status !== 403) return 'let in'
  const { code, missing_scope } = JSON.parse(text) as { code: string; missing_scope?: string }
  if (code === 'unauthorized') return 'unknown'
  if (code === 'origin_not_allowed') return code
  // Behind the gate others may refuse: a wrong password, or a token where a user is required.
  return code === 'forbidden' && missing_scope !== undefined ? `forbidden: ${missing_scope}` : 'let in'
}

function expected({ operation: { scope } }: Route, held: readonly Scope[] | undefined): string {
  if (scope === 'public') return 'let in'
  if (held === undefined) return 'unknown'
  return scope === 'signed_in' || held.includes(scope) ? 'let in' : `forbidden: ${scope}`
}

test('over HTTP/2 each answer is what the declared scope says, for anonymous callers, people and tokens', async () => {
  const { people, routes } = await startOverTls()
  expect(routes.length).toBeGreaterThan(60)
  const callers: [string, Proof, readonly Scope[] | undefined, Role?][] = [
    ['nobody', {}, undefined],
    ['a wrong token', { authorization: 'Bearer rm_wrong' }, undefined],
    ['a session of plain HTTP', { cookie: people.admin.cookie!.replace('__Host-', '') }, undefined],
  ]
  for (const role of ['viewer', 'administrator'] as const)
    callers.push([role, (await people.invite(role)).proof, scopesOf[role], role])
  for (const scope of ['mail:read', 'dashboard:admin'] as const) {
    callers.push([scope, (await people.token([scope])).proof, withIncluded(scope)])
  }
  for (const [name, proof, held, role] of callers) {
    const verdicts = await Promise.all(
      routes.map(async route => {
        const isLast = role && leaving.includes(route.operation.name)
        const own = isLast ? (await people.invite(role)).proof : proof
        const { method, path } = route
        return [route.operation.name, verdictOf(await people.ask(own, method, path, bodyOf(route)))]
      }),
    )
    const wanted = routes.map(route => [route.operation.name, expected(route, held)])
    expect([name, Object.fromEntries(verdicts)]).toEqual([name, Object.fromEntries(wanted)])
  }
})

test('over HTTP/2 no page but our own changes anything with a session, and our own name without TLS is not ours', async () => {
  const { people, routes } = await startOverTls()
  const changing = routes.filter(({ method }) => method !== 'GET')
  expect(changing.length).toBeGreaterThan(20)
  const { cookie } = people.admin
  const { host } = new URL(people.url)
  for (const origin of [`http://${host}`, 'https://evil.example', 'null']) {
    for (const route of changing) {
      const proof = route.operation.scope === 'public' ? { origin } : { cookie: cookie!, origin }
      const answer = await people.ask(proof, route.method, route.path, bodyOf(route))
      expect([origin, route.operation.name, verdictOf(answer)]).toEqual([
        origin,
        route.operation.name,
        'origin_not_allowed',
      ])
    }
  }
  expect((await people.ask(people.admin, 'POST', api.audit.verifyAudit.path)).status).toBe(200)
})

/** Sign-in through a provider, with everything real except the page: provider, routes, services, database. */
import { onTestFinished } from 'vitest'
import { SessionService } from '../../server/access/session-service.ts'
import { SessionStore } from '../../server/access/session-store.ts'
import { OidcClient } from '../../server/oidc/oidc-client.ts'
import type { OidcConfig } from '../../server/oidc/oidc-config.ts'
import { oidcRoutes } from '../../server/oidc/oidc-routes.ts'
import { callbackPath, OidcService, startPath } from '../../server/oidc/oidc-service.ts'
import { OidcUserSync, type ProviderAction } from '../../server/oidc/oidc-user-sync.ts'
import { createHttpServer } from '../../server/platform/http/http-setup.ts'
import { createLogger } from '../../server/platform/logger.ts'
import { PasskeyStore } from '../../server/users/passkey-store.ts'
import { UserService } from '../../server/users/user-service.ts'
import { UserStore } from '../../server/users/user-store.ts'
import type { UserRow } from '../../server/users/user-tables.ts'
import { startHub } from './event-hub.ts'
import { madeUsersOn } from './made-users.ts'
import { type OidcPerson, OidcProvider, oidcClientId, oidcClientSecret } from './oidc-provider.ts'
import { PlainBrowser } from './plain-browser.ts'

/** Starts a world with everything real except the page. */
export async function start(options: { accounts?: OidcConfig['accounts']; isSetUp?: boolean } = {}) {
  const { accounts = 'none', isSetUp = true } = options
  const provider = await OidcProvider.start()
  onTestFinished(() => provider.close())
  const { hub, facts, db } = await startHub()
  const clock = { now: Date.now() }
  const common = { now: () => clock.now, logger: createLogger('silent') }
  const users = new UserStore(db)
  const revoked: string[] = []
  const listener = { changed: () => undefined, revoked: (id: string) => void revoked.push(id) }
  const sessions = new SessionService({ ...common, store: new SessionStore(db), users, listener })
  const userService = new UserService({
    ...common,
    store: users,
    passkeys: new PasskeyStore(db),
    made: madeUsersOn(db),
    hub,
    hasher: { hash: async () => 'a hash' },
    baseUrl: () => 'http://here.example',
    accountIds: async () => new Set(['a1', 'a2']),
    ended: userId => sessions.endAllOf(userId, 'ended_by_administrator'),
    changed: userId => sessions.userChanged(userId),
    openSessions: userId => sessions.list(userId),
  })
  const config = {
    issuer: provider.url,
    clientId: oidcClientId,
    clientSecret: oidcClientSecret,
    name: 'Corp',
    scopes: 'openid email profile groups',
    groupsClaim: 'groups',
    trustEmail: false,
    roles: [
      { group: 'crew', role: 'viewer' },
      { group: 'admins', role: 'administrator' },
      { group: 'staff', role: 'operator' },
    ],
    accounts,
  } as const
  const http = createHttpServer({
    logger: common.logger,
    authenticate: ({ sessionCookie }) => (sessionCookie ? sessions.authenticate(sessionCookie) : undefined),
    observe: () => undefined,
    origins: { publicUrl: undefined, allowed: [], isHttps: false },
    trustedProxies: [],
  })
  let url = ''
  const client = new OidcClient({ config, now: common.now })
  const deeds: ProviderAction[] = []
  const record = async (deed: ProviderAction) => void deeds.push(deed)
  const services = { users, userService, sessions, hub, record }
  const people = new OidcUserSync({ ...common, ...services, config })
  oidcRoutes(http, new OidcService({ ...common, ...services, config, client, publicUrl: () => url }), sessions)
  url = await http.fastify.listen({ host: '127.0.0.1', port: 0 })
  onTestFinished(() => http.fastify.close())
  provider.redirectUris.push(url + callbackPath)

  /** No page is served here: the flow ends where the browser is redirected to one. */
  const isPage = (next: URL) => next.origin === url && !next.pathname.startsWith('/api/')
  const isCallback = (next: URL) => next.pathname === callbackPath
  /** Signs in at the provider, up to the redirect back to the callback. */
  const goToProvider = async (browser: PlainBrowser, subject: string, startAt = startPath) => {
    const page = await browser.follow(await browser.visit(url + startAt), isPage)
    if (page.status !== 200) return page.location!
    const back = await browser.follow(await browser.visit(page.url, { login: subject }), isCallback)
    return back.location!
  }
  /** Runs the whole flow, in a new browser by default; returns its last visit and the signed-in user. */
  const signIn = async (subject: string, { startAt = startPath, browser = new PlainBrowser() } = {}) => {
    const callback = await goToProvider(browser, subject, startAt)
    const { location } = await browser.follow(await browser.visit(callback), isPage)
    const cookie = browser.cookies.get('rustymail_session')
    const principal = cookie === undefined ? undefined : await sessions.authenticate(cookie)
    return { end: location!.pathname + location!.search, principal, browser, callback }
  }
  const put = (subject: string, person: OidcPerson) => void provider.people.set(subject, person)
  const getUser = async (email: string): Promise<UserRow> => {
    const user = await users.findByEmail(email)
    if (!user) throw new Error(`there is no ${email}`)
    return user
  }
  const boss = { email: 'boss@example.com', name: 'Boss', password: 'orbit-cactus-violin-41' }
  if (isSetUp) await userService.createAdministrator(boss)
  const goTo = { signIn, goToProvider, isPage }
  return { deeds, provider, url, clock, users, userService, sessions, people, facts, put, getUser, ...goTo }
}

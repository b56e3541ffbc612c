/** Sessions: open one with the set-up token, ask who one is, end it. */
import { accessApi, type SessionView } from '../../contract/access.ts'
import { type HttpServer, handle } from '../platform/http-server.ts'
import type { Principal } from '../platform/principal.ts'
import { type AccessService, sessionLifeMs } from './access-service.ts'

/** @param describeServer What the page wants to know of the server it speaks to. */
export function accessRoutes(
  http: HttpServer,
  access: AccessService,
  describeServer: () => SessionView['server'],
): void {
  const view = (principal: Principal): SessionView => ({
    principal: {
      id: principal.id,
      name: principal.name,
      kind: principal.kind === 'session' ? 'session' : 'api_key',
      scopes: [...principal.scopes],
    },
    server: describeServer(),
  })
  handle(http, accessApi.openSession, async call => {
    const { cookie, principal } = await access.openSession(call.body.setup_token)
    call.setSessionCookie(cookie, sessionLifeMs / 1000)
    return view(principal)
  })
  handle(http, accessApi.getSession, call => view(call.principal))
  handle(http, accessApi.closeSession, async call => {
    await access.closeSession(call.principal)
    call.setSessionCookie('', 0)
    return undefined
  })
}

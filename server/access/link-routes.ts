/** Routes for the links by which users sign in the first time or reset a password: reading and accepting them. */
import { usersApi } from '../../contract/users.ts'
import { type HttpServer, handle } from '../platform/http/http-server.ts'
import type { UserService } from '../users/user-service.ts'
import type { AccessService } from './access-service.ts'
import { enterAndView } from './enter.ts'
import type { SessionService } from './session-service.ts'

export interface LinkRoutesOptions {
  users: Pick<UserService, 'readLink' | 'acceptLink'>
  sessions: Pick<SessionService, 'open' | 'end'>
  access: Pick<AccessService, 'view'>
}

export function linkRoutes(http: HttpServer, { users, sessions, access }: LinkRoutesOptions): void {
  handle(http, usersApi.readLink, ({ body }) => users.readLink(body.link_token))
  handle(http, usersApi.acceptLink, async call => {
    const user = await users.acceptLink(call.body)
    return enterAndView(call, await sessions.open(user, 'link', call.caller), { sessions, access })
  })
}

/** People who may sign in, for administrators; and the links by which they come in the first time. */
import { usersApi } from '../../contract/users.ts'
import { type HttpServer, handle } from '../platform/http-server.ts'
import type { Principal } from '../platform/principal.ts'
import type { AccessService } from './access-service.ts'
import { endedRefs } from './made-users.ts'
import type { Revocations } from './revocations.ts'
import { type SessionService, sessionLifeMs } from './session-service.ts'
import type { UserService } from './user-service.ts'

export interface UserRoutesOptions {
  users: UserService
  sessions: Pick<SessionService, 'open'>
  access: Pick<AccessService, 'view'>
  revocations: Pick<Revocations, 'run'>
  /** Principals by which somebody is in: their sessions and tokens. */
  opened: (userId: string) => Promise<string[]>
}

export function userRoutes(
  http: HttpServer,
  { users, sessions, access, revocations, opened }: UserRoutesOptions,
): void {
  handle(http, usersApi.listUsers, async ({ principal }) => ({ items: await users.list(principal) }))
  handle(http, usersApi.inviteUser, async call => {
    const invited = await users.invite(call.principal, call.body)
    call.note({ user_id: invited.user.id })
    return invited
  })
  /** Whatever they hold, also while the database takes no writes. */
  const end = <Result>(principal: Principal, userId: string, work: () => Promise<Result>) =>
    revocations.run({
      ids: [`user-${userId}`],
      check: () => users.checkMayEnd(principal, userId),
      work,
      opened: () => opened(userId),
    })
  handle(http, usersApi.changeUser, ({ principal, params, body }) => {
    const change = () => users.change(principal, params.user_id, body)
    return body.disabled ? end(principal, params.user_id, change) : change()
  })
  handle(http, usersApi.resetUser, call => {
    call.note({ revoke_tokens: String(call.body.revoke_tokens) })
    return users.reset(call.principal, call.params.user_id, call.body)
  })
  handle(http, usersApi.deleteUser, async call => {
    const { user_id } = call.params
    const remove = () => users.delete(call.principal, user_id, call.query.end_made === 'true')
    const ended = await end(call.principal, user_id, remove)
    call.note(endedRefs(ended))
    return undefined
  })
  handle(http, usersApi.listMadeByUser, async ({ params }) => ({ items: await users.listMade(params.user_id) }))
  handle(http, usersApi.readLink, ({ body }) => users.readLink(body.link_token))
  handle(http, usersApi.acceptLink, async call => {
    const user = await users.acceptLink(call.body)
    const { cookie, principal } = await sessions.open(user, 'link', call.caller)
    call.actAs(principal)
    call.setSessionCookie(cookie, sessionLifeMs / 1000)
    return access.view(principal)
  })
}

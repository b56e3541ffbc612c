/** Users who may sign in, for administrators. */
import { usersApi } from '../../contract/users.ts'
import { type HttpServer, handle } from '../platform/http/http-server.ts'
import type { Principal } from '../platform/principal.ts'
import type { Revocations } from './revocations.ts'
import { endedRefs } from './user-actions.ts'
import type { UserService } from './user-service.ts'

export interface UserRoutesOptions {
  users: UserService
  revocations: Pick<Revocations, 'run'>
  /** Returns the principals of a user: sessions and tokens. */
  opened: (userId: string) => Promise<string[]>
}

export function userRoutes(http: HttpServer, { users, revocations, opened }: UserRoutesOptions): void {
  handle(http, usersApi.listUsers, async ({ principal }) => ({ items: await users.list(principal) }))
  handle(http, usersApi.inviteUser, async call => {
    const invited = await users.invite(call.principal, call.body)
    call.note({ user_id: invited.user.id })
    return invited
  })
  /** Ends everything that a user holds, also while the database accepts no writes. */
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
}

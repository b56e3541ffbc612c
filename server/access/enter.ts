/** Coming in: by whatever way somebody proved who they are, from here on the call and the browser are theirs. */
import type { SessionView } from '../../contract/access.ts'
import type { Call } from '../platform/http/http-call.ts'
import type { AccessService } from './access-service.ts'
import { type OpenedSession, sessionLifeMs } from './session-service.ts'

type Entering = Pick<Call<unknown, unknown, unknown>, 'actAs' | 'setSessionCookie'>

export function enter(call: Entering, { cookie, principal }: OpenedSession): void {
  call.actAs(principal)
  call.setSessionCookie(cookie, sessionLifeMs / 1000)
}

/** The same, for a page that shows who came in. */
export function enterAndView(
  call: Entering,
  opened: OpenedSession,
  access: Pick<AccessService, 'view'>,
): Promise<SessionView> {
  enter(call, opened)
  return access.view(opened.principal, opened.user)
}

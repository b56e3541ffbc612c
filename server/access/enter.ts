/** Enters a session, however the user was authenticated: from here on the call and the browser act as that user. */
import type { SessionView } from '../../contract/access.ts'
import type { Call } from '../platform/http/http-call.ts'
import type { AccessService } from './access-service.ts'
import { type OpenedSession, sessionLifeMs } from './session-service.ts'

type Entering = Pick<Call<unknown, unknown, unknown>, 'actAs' | 'setSessionCookie'>

export function enter(call: Entering, { cookie, principal }: OpenedSession): void {
  call.actAs(principal)
  call.setSessionCookie(cookie, sessionLifeMs / 1000)
}

/** Enters a session, and returns what a page shows of the user. */
export function enterAndView(
  call: Entering,
  opened: OpenedSession,
  access: Pick<AccessService, 'view'>,
): Promise<SessionView> {
  enter(call, opened)
  return access.view(opened.principal, opened.user)
}

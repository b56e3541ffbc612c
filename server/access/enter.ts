/** Enters a session, however the user was authenticated: from here on the call and the browser act as that user. */
import type { SessionView } from '../../contract/access.ts'
import type { Call } from '../platform/http/http-call.ts'
import type { AccessService } from './access-service.ts'
import { type OpenedSession, type SessionService, sessionLifeMs } from './session-service.ts'

type Entering = Pick<Call<unknown, unknown, unknown>, 'principal' | 'actAs' | 'note' | 'setSessionCookie'>

export interface Entrance {
  sessions: Pick<SessionService, 'end'>
  access: Pick<AccessService, 'view'>
}

/**
 * Ends the session that the browser had if it is another user's: nobody could sign out of it any more, and its streams
 * would continue in open tabs.
 */
export async function enter(
  call: Entering,
  { cookie, principal }: OpenedSession,
  sessions: Entrance['sessions'],
): Promise<void> {
  const { id, kind, userId } = call.principal
  if (kind === 'session' && userId !== principal.userId) {
    const sessionId = id.slice('session-'.length)
    await sessions.end(sessionId)
    call.note({ ended_session_id: sessionId })
  }
  call.actAs(principal)
  call.setSessionCookie(cookie, sessionLifeMs / 1000)
}

/** Enters a session, and returns what a page shows of the user. */
export async function enterAndView(
  call: Entering,
  opened: OpenedSession,
  { sessions, access }: Entrance,
): Promise<SessionView> {
  await enter(call, opened, sessions)
  return access.view(opened.principal, opened.user)
}

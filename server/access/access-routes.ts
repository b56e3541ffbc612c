/** Coming in and going out: set-up, sign-in with a password, who one is, and sessions. Passkeys and providers have theirs. */
import { accessApi, type SessionView, type SignInState } from '../../contract/access.ts'
import type { Call } from '../platform/http/http-call.ts'
import { type HttpServer, handle } from '../platform/http/http-server.ts'
import type { AccessService } from './access-service.ts'
import { type OpenedSession, sessionLifeMs } from './session-service.ts'
import type { SignInService } from './sign-in-service.ts'

export interface AccessRoutesOptions {
  access: AccessService
  signIn: SignInService
  /** @param host By which the page was asked for. @param sessionCookie Of a session that is open, or was. */
  describeSignIn: (host: string | undefined, sessionCookie: string | undefined) => SignInState | Promise<SignInState>
}

type Entering = Pick<Call<unknown, unknown, unknown>, 'actAs' | 'setSessionCookie'>

export function accessRoutes(http: HttpServer, { access, signIn, describeSignIn }: AccessRoutesOptions): void {
  const enter = (call: Entering, { cookie, principal }: OpenedSession): Promise<SessionView> => {
    call.actAs(principal)
    call.setSessionCookie(cookie, sessionLifeMs / 1000)
    return access.view(principal)
  }
  handle(http, accessApi.getSignInState, call => describeSignIn(call.header('host'), call.sessionCookie))
  handle(http, accessApi.setUp, async call => enter(call, await access.setUp(call.body, call.caller)))
  handle(http, accessApi.openSession, async call => {
    const { email, password } = call.body
    const answer = await signIn.withPassword(email, password, call.caller, user_id => call.note({ user_id }))
    if (answer.status === 'second_factor') {
      call.setOutcome('second_factor')
      return answer
    }
    return { status: answer.status, session: await enter(call, answer) }
  })
  handle(http, accessApi.giveSecondFactor, async call => {
    const { challenge, code } = call.body
    const opened = await signIn.withSecondFactor(challenge, code, call.caller, user_id => call.note({ user_id }))
    return enter(call, opened)
  })
  handle(http, accessApi.getSession, call => access.view(call.principal))
  handle(http, accessApi.closeSession, async call => {
    await access.closeSession(call.principal)
    call.setSessionCookie('', 0)
    return undefined
  })
  handle(http, accessApi.listSessions, async ({ principal, query }) => ({
    items: await access.listSessions(principal, query.user_id),
  }))
  handle(http, accessApi.endSession, async call => {
    const isCurrent = await access.endSession(call.principal, call.params.session_id)
    if (isCurrent) call.setSessionCookie('', 0)
    return undefined
  })
  handle(http, accessApi.endAllSessions, async call => {
    await access.endAllSessions(call.principal)
    call.setSessionCookie('', 0)
    return undefined
  })
}

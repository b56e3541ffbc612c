/**
 * Routes for set-up, sign-in with a password, the current principal, and sessions. Passkeys and providers have their
 * own.
 */
import { accessApi, type SignInState } from '../../contract/access.ts'
import { type HttpServer, handle } from '../platform/http/http-server.ts'
import type { AccessService } from './access-service.ts'
import { type Entrance, enterAndView } from './enter.ts'
import type { SignInService } from './sign-in-service.ts'

export interface AccessRoutesOptions {
  access: AccessService
  signIn: SignInService
  sessions: Entrance['sessions']
  /**
   * Describes the ways to sign in.
   * @param host The host by which the page was requested.
   * @param sessionCookie The cookie of an open or ended session.
   */
  describeSignIn: (host: string | undefined, sessionCookie: string | undefined) => SignInState | Promise<SignInState>
}

export function accessRoutes(http: HttpServer, options: AccessRoutesOptions): void {
  const { access, signIn, describeSignIn } = options
  handle(http, accessApi.getSignInState, call => describeSignIn(call.header('host'), call.sessionCookie))
  handle(http, accessApi.setUp, async call => enterAndView(call, await access.setUp(call.body, call.caller), options))
  handle(http, accessApi.openSession, async call => {
    const { email, password } = call.body
    const answer = await signIn.withPassword(email, password, call.caller, user_id => call.note({ user_id }))
    if (answer.status === 'second_factor') {
      call.setOutcome('second_factor')
      return answer
    }
    return { status: answer.status, session: await enterAndView(call, answer, options) }
  })
  handle(http, accessApi.giveSecondFactor, async call => {
    const { challenge, code } = call.body
    const opened = await signIn.withSecondFactor(challenge, code, call.caller, user_id => call.note({ user_id }))
    return enterAndView(call, opened, options)
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

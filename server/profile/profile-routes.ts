/** A user's own ways to sign in, and signing in with a passkey. */
import { accessApi } from '../../contract/access.ts'
import { profileApi } from '../../contract/profile.ts'
import type { AccessService } from '../access/access-service.ts'
import { enterAndView } from '../access/enter.ts'
import type { SessionService } from '../access/session-service.ts'
import { type HttpServer, handle } from '../platform/http/http-server.ts'
import type { PasskeyService } from './passkey-service.ts'
import type { ProfileService } from './profile-service.ts'

export interface ProfileRoutesOptions {
  profile: ProfileService
  passkeys: PasskeyService
  sessions: Pick<SessionService, 'open' | 'end'>
  access: Pick<AccessService, 'view'>
}

export function profileRoutes(http: HttpServer, { profile, passkeys, sessions, access }: ProfileRoutesOptions): void {
  handle(http, profileApi.getProfile, call => profile.get(call.principal))
  handle(http, profileApi.changeProfile, call => profile.rename(call.caller, call.body.name))
  handle(http, profileApi.changePassword, call => profile.changePassword(call.caller, call.body))
  handle(http, profileApi.beginTotp, call => profile.beginTotp(call.caller, call.body))
  handle(http, profileApi.confirmTotp, async call => ({
    recovery_codes: await profile.confirmTotp(call.caller, call.body.code),
  }))
  handle(http, profileApi.removeTotp, call => profile.removeTotp(call.caller, call.body))
  handle(http, profileApi.renewRecoveryCodes, async call => ({
    recovery_codes: await profile.renewRecoveryCodes(call.caller, call.body),
  }))
  handle(http, profileApi.beginPasskey, call => profile.beginPasskey(call.caller, call.body, call.header('origin')))
  handle(http, profileApi.addPasskey, call => profile.addPasskey(call.caller, call.body))
  handle(http, profileApi.removePasskey, call => profile.removePasskey(call.caller, call.params.passkey_id, call.body))
  handle(http, accessApi.beginPasskeySignIn, () => passkeys.beginSignIn())
  handle(http, accessApi.finishPasskeySignIn, async call => {
    const user = await passkeys.finishSignIn(call.body, user_id => call.note({ user_id }))
    return enterAndView(call, await sessions.open(user, 'passkey', call.caller), { sessions, access })
  })
}

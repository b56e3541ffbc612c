/** Builds UserActions, the users that users and tokens created, on a test database without sessions. */

import type { Database } from '../../server/platform/database/database.ts'
import { PasskeyStore } from '../../server/users/passkey-store.ts'
import { UserActionStore } from '../../server/users/user-action-store.ts'
import { UserActions } from '../../server/users/user-actions.ts'
import { UserStore } from '../../server/users/user-store.ts'

export function madeUsersOn(db: Database): UserActions {
  return new UserActions({
    store: new UserActionStore(db),
    users: new UserStore(db),
    passkeys: new PasskeyStore(db),
    openSessions: async () => [],
  })
}

/** Builds MadeUsers, the users that users and tokens created, on a test database without sessions. */

import type { Database } from '../../server/platform/database/database.ts'
import { MadeStore } from '../../server/users/made-store.ts'
import { MadeUsers } from '../../server/users/made-users.ts'
import { PasskeyStore } from '../../server/users/passkey-store.ts'
import { UserStore } from '../../server/users/user-store.ts'

export function madeUsersOn(db: Database): MadeUsers {
  return new MadeUsers({
    store: new MadeStore(db),
    users: new UserStore(db),
    passkeys: new PasskeyStore(db),
    openSessions: async () => [],
  })
}

/** Whom people and tokens made, on the database of a test, where nobody has a session. */
import { MadeStore } from '../../server/access/made-store.ts'
import { MadeUsers } from '../../server/access/made-users.ts'
import { PasskeyStore } from '../../server/access/passkey-store.ts'
import { UserStore } from '../../server/access/user-store.ts'
import type { Database } from '../../server/platform/database/database.ts'

export function madeUsersOn(db: Database): MadeUsers {
  return new MadeUsers({
    store: new MadeStore(db),
    users: new UserStore(db),
    passkeys: new PasskeyStore(db),
    openSessions: async () => [],
  })
}

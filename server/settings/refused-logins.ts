/**
 * The logins that a mail server refused during a diagnosis, in the settings: shared by servers and the command line. At
 * most one for each part of an account.
 */
import { z } from 'zod'
import type { Database } from '../platform/database/database.ts'
import { SettingStore } from './setting-store.ts'

const Refused = z.object({
  /** The revision of the account: with another password, it is another login. */
  revision: z.string(),
  at: z.iso.datetime(),
})

export class RefusedLogins {
  readonly #db: Database
  readonly #settings: SettingStore

  constructor(db: Database) {
    this.#db = db
    this.#settings = new SettingStore(db)
  }

  async find(accountId: string, part: 'imap' | 'smtp'): Promise<z.infer<typeof Refused> | undefined> {
    return Refused.safeParse(await this.#settings.find(nameOf(accountId, part))).data
  }

  async keep(accountId: string, part: 'imap' | 'smtp', refused: z.infer<typeof Refused>): Promise<void> {
    await this.#db
      .transaction()
      .execute(transaction => this.#settings.save(transaction, nameOf(accountId, part), refused, refused.at))
  }

  async forget(accountId: string, part: 'imap' | 'smtp'): Promise<void> {
    await this.#db.deleteFrom('settings').where('name', '=', nameOf(accountId, part)).execute()
  }
}

function nameOf(accountId: string, part: string): string {
  return `refused_login ${accountId} ${part}`
}

/** Authenticators in the database: each time step is accepted once, even with concurrent requests. */
import type { Database } from '../platform/database/database.ts'

export class TotpStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  /**
   * Uses up a time step. Returns false if it was used already. @param sealed The secret that the code was checked
   * against.
   */
  async takeStep(userId: string, sealed: string, step: number): Promise<boolean> {
    const { numUpdatedRows } = await this.#db
      .updateTable('users')
      .set({ totp_last_step: step })
      .where('id', '=', userId)
      .where('totp_sealed', '=', sealed)
      .where('totp_last_step', '<', step)
      .executeTakeFirst()
    return numUpdatedRows > 0n
  }
}

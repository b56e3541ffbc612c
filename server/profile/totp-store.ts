/** Authenticators in the database: each step of the clock opens once, however many ask at the same time. */
import type { Database } from '../platform/database/database.ts'

export class TotpStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  /** Whether the step was still free, and is now used. @param sealed The secret that the code was checked against. */
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

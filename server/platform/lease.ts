/** The right to run a loop that only one process may run: checked before each round, and fenced in each write. */
import type { Database } from './database/database.ts'

export interface Lease {
  readonly name: string
  /**
   * Rejects, which aborts the transaction, if another process took over the lease; else prevents that until the
   * transaction ends.
   */
  fence(transaction: Database): Promise<void>
}

/** Another process runs the loop now, so that this one must not write any more. */
export class LeaseLost extends Error {
  constructor(name: string) {
    super(`the lease ${name} was taken over by another process`)
    this.name = 'LeaseLost'
  }
}

/** Undefined while another process runs the loop. */
export type FindLease = () => Lease | undefined

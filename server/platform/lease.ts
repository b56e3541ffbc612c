/** The right to run a loop that one process alone may run: asked for before each round, and proved in each write. */
import type { Database } from './database/database.ts'

export interface Lease {
  readonly name: string
  /** Fails, and the transaction with it, when another process has taken the lease over; until it ends nobody can. */
  fence(transaction: Database): Promise<void>
}

/** Somebody else runs the loop now: what this process was about to write must not be written. */
export class LeaseLost extends Error {
  constructor(name: string) {
    super(`the lease ${name} was taken over by another process`)
    this.name = 'LeaseLost'
  }
}

/** Undefined while another process runs the loop. */
export type FindLease = () => Lease | undefined

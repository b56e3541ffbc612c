/**
 * A part of a transaction that can be rolled back alone, by a savepoint that is created at the part's first statement.
 */
import { sql } from 'kysely'
import type { Database } from './database.ts'

/** Name of all savepoints: parts are sequential, and SQL refers to the newest of that name. */
const name = sql.raw('part')

export class TransactionPart {
  /** The database handle for statements of this part. */
  readonly database: Database
  readonly #transaction: Database
  #isBegun = false
  #hasSavepoint = false
  #isEnded = false

  /**
   * @param isFirst True if no earlier part has to survive this one, so that it needs no savepoint.
   * @param before Called once, right before the part's first statement; statements it starts go first.
   */
  constructor(transaction: Database, { isFirst, before }: { isFirst: boolean; before: () => void }) {
    this.#transaction = transaction
    // A transaction runs statements in the order in which they were started; plugins run when a statement starts.
    this.database = transaction.withPlugin({
      transformQuery: ({ node }) => {
        this.#begin(isFirst, before)
        return node
      },
      transformResult: async ({ result }) => result,
    })
  }

  /** Whether the part has run any statement. */
  get isBegun(): boolean {
    return this.#isBegun
  }

  /**
   * Ends the part and keeps its changes.
   * @throws errors that prevent the transaction from continuing, even if the part caught them
   */
  async keep(): Promise<void> {
    this.#isEnded = true
    if (this.#hasSavepoint) await sql`release savepoint ${name}`.execute(this.#transaction)
  }

  /** Rolls the part back; not for the first part. @throws errors that prevent the transaction from continuing */
  async takeBack(): Promise<void> {
    this.#isEnded = true
    if (!this.#hasSavepoint) return
    await sql`rollback to savepoint ${name}`.execute(this.#transaction)
    await sql`release savepoint ${name}`.execute(this.#transaction)
  }

  #begin(isFirst: boolean, before: () => void): void {
    // Otherwise the statement would belong to another part.
    if (this.#isEnded) throw new Error('this part of the transaction has ended')
    if (this.#isBegun) return
    this.#isBegun = true
    before()
    if (isFirst) return
    this.#hasSavepoint = true
    // If it fails, so do the statements after it, and the end of the part.
    void sql`savepoint ${name}`.execute(this.#transaction).catch(() => undefined)
  }
}

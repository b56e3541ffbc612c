/** A part of a transaction that can be taken back by itself: with a savepoint, which costs nothing while the part asks nothing. */
import { sql } from 'kysely'
import type { Database } from './database.ts'

/** The same name each time: parts follow each other, so the newest of that name is always the one that is meant. */
const name = sql.raw('part')

export class TransactionPart {
  /** For what belongs to the part. */
  readonly database: Database
  readonly #transaction: Database
  #isBegun = false
  #hasSavepoint = false
  #isEnded = false

  /**
   * @param isFirst Nothing before it in the transaction has to survive it: it needs no savepoint.
   * @param before Called once, right before the first statement of the part; statements that it begins go before that one.
   */
  constructor(transaction: Database, { isFirst, before }: { isFirst: boolean; before: () => void }) {
    this.#transaction = transaction
    // A transaction carries out its statements one by one, in the order in which they began; a statement begins with its plugins.
    this.database = transaction.withPlugin({
      transformQuery: ({ node }) => {
        this.#begin(isFirst, before)
        return node
      },
      transformResult: async ({ result }) => result,
    })
  }

  /** Whether it asked the database anything. */
  get isBegun(): boolean {
    return this.#isBegun
  }

  /** @throws what keeps the transaction from going on, also when the part itself has swallowed it. */
  async keep(): Promise<void> {
    this.#isEnded = true
    if (this.#hasSavepoint) await sql`release savepoint ${name}`.execute(this.#transaction)
  }

  /** Only for one that is not the first. @throws what keeps the transaction from going on. */
  async takeBack(): Promise<void> {
    this.#isEnded = true
    if (!this.#hasSavepoint) return
    await sql`rollback to savepoint ${name}`.execute(this.#transaction)
    await sql`release savepoint ${name}`.execute(this.#transaction)
  }

  #begin(isFirst: boolean, before: () => void): void {
    // It would be kept or taken back with another part.
    if (this.#isEnded) throw new Error('this part of the transaction has ended')
    if (this.#isBegun) return
    this.#isBegun = true
    before()
    if (isFirst) return
    this.#hasSavepoint = true
    // Should it fail, so do the statements behind it, and the end of the part.
    void sql`savepoint ${name}`.execute(this.#transaction).catch(() => undefined)
  }
}

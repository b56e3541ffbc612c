/** What the index needs of a database's full-text search. Both databases get the same tokens (fulltext.ts), so they have the same hits. */
import type { IndexDatabase } from './index-tables.ts'

/** What is searched of one message. */
export interface TextRow {
  /** Of its row in `messages`. */
  rowid: number
  subject: string
  /** Names and addresses of From, To, Cc and Bcc. */
  people: string
  /** Of attachments. */
  names: string
  /** Null until it is indexed. */
  body: string | null
}

export interface FullText {
  /** Tables it needs, inside the schema's transaction. */
  create(db: IndexDatabase): Promise<void>
  /** Replaces what was there under the same rowids. */
  put(db: IndexDatabase, account: number, rows: readonly TextRow[]): Promise<void>
  remove(db: IndexDatabase, account: number, rowids: readonly number[]): Promise<void>
}

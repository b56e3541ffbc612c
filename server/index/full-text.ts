/** What the index needs of a database's full-text search. Both databases get the same tokens (fulltext.ts), so they have the same hits. */
import type { IndexDatabase } from './index-tables.ts'

/** What is searched of one message. Each field is searched by itself, or all of them together. */
export interface TextRow {
  /** Of its row in `messages`. */
  rowid: number
  subject: string
  /** Names and addresses, a line for each person. */
  from: string
  to: string
  cc: string
  bcc: string
  /** Of attachments, a line for each. */
  names: string
  /** Null until it is indexed. */
  body: string | null
}

export interface FullText {
  /** Tables it needs, inside the schema's transaction. */
  create(db: IndexDatabase): Promise<void>
  /** Replaces what was there under the same rowids. Ten to fifty messages a transaction keep merges of SQLite's index short. */
  put(db: IndexDatabase, account: number, rows: readonly TextRow[]): Promise<void>
  remove(db: IndexDatabase, account: number, rowids: readonly number[]): Promise<void>
  /** For idle times: does a bounded piece of merging, and says whether there is more to do. */
  tidy(db: IndexDatabase): Promise<boolean>
}

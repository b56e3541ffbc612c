/**
 * Indexes under test: on SQLite and PostgreSQL, with mail as a server has it, and a full-text search that shows its
 * input.
 */
import { join } from 'node:path'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, inject } from 'vitest'
import { IndexDatabases, type IndexHome, type IndexParts } from '../../server/index/index-databases.ts'
import type { IndexStore } from '../../server/index/index-store.ts'
import type { IndexDatabase } from '../../server/index/index-tables.ts'
import type { MessageRecord, TextRecord } from '../../server/index/index-types.ts'
import { createPostgresDatabase } from './databases.ts'
import { plainSearch, readText } from './index-parts.ts'
import { tempDir } from './temp-dir.ts'

export interface IndexWorld {
  home(): IndexHome
  /** Opens an index in this thread, of a new account unless given. */
  open(accountId?: string): Promise<TestedIndex>
}

export interface TestedIndex {
  accountId: string
  use<Result>(work: (store: IndexStore, db: IndexDatabase, account: number) => Promise<Result>): Promise<Result>
  databases: IndexDatabases
}

export function onEachIndex(suite: (world: IndexWorld) => void): void {
  describe('in SQLite', () => {
    const dir = tempDir('index')
    afterAll(() => dir.remove())
    suite(worldAt(() => ({ dir: join(dir.path, 'index') })))
  })
  const postgresUrl = inject('postgresUrl')
  describe.skipIf(postgresUrl === undefined)('in PostgreSQL', () => {
    let made: Awaited<ReturnType<typeof createPostgresDatabase>>
    beforeAll(async () => {
      made = await createPostgresDatabase(postgresUrl!)
    })
    suite(worldAt(() => ({ postgresUrl: made.url })))
    afterAll(() => made.drop())
  })
}

function worldAt(home: () => IndexHome): IndexWorld {
  let databases: IndexDatabases | undefined
  let accounts = 0
  afterAll(() => databases?.close())
  return {
    home,
    open: async (accountId = `account${++accounts}`) => {
      databases ??= new IndexDatabases(home(), testParts, { isReader: false })
      const all = databases
      return {
        accountId,
        databases: all,
        use: work => all.use(accountId, (store, { db, account }) => work(store, db, account)),
      }
    },
  }
}

const testParts: IndexParts = { fullText: { sqlite: plainSearch, postgres: plainSearch }, readText }

/** Returns the searchable rows in order, with `body`. */
export async function searched(
  db: IndexDatabase,
  account: number,
): Promise<{ message: number; words: string; body: string | null }[]> {
  const { rows } = await sql<{ message: number; words: string; body: string | null }>`
    select message, words, body from searched where account = ${account} order by message`.execute(db)
  return rows
}

/** Returns a distinct message, except for the given fields. */
export function recordOf(uid: number, said: Partial<MessageRecord> = {}): MessageRecord {
  return {
    uid,
    emailId: null,
    messageId: `<m${uid}@example.org>`,
    inReplyTo: null,
    references: [],
    subject: `Subject ${uid}`,
    from: [{ name: 'Ann', email: 'ann@example.org' }],
    to: [{ name: null, email: 'box@example.org' }],
    cc: [],
    bcc: [],
    fromCount: 1,
    toCount: 1,
    date: new Date(Date.UTC(2026, 0, 1) + uid * 60_000).toISOString(),
    flags: [],
    sizeBytes: 1_000 + uid,
    hasAttachments: false,
    attachmentNames: [],
    faults: [],
    ...said,
  }
}

export function textOf(uid: number, text: string): TextRecord {
  return { uid, parts: [{ type: 'text/plain', charset: 'utf-8', encoding: '8bit', bytes: Buffer.from(text) }] }
}

export const folder = (path: string, mailboxId: string | null = null) => ({
  path,
  role: null,
  isSelectable: true,
  mailboxId,
})

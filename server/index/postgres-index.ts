/** Backend for indexes in PostgreSQL: all accounts share the schema `mail_index`, each with a number. */
import { Kysely, sql } from 'kysely'
import { markDatabaseFault } from '../platform/database/database-fault.ts'
import { postgresDialect } from '../platform/database/postgres-dialect.ts'
import { lists } from './bulk-rows.ts'
import type { FullTextWriter } from './full-text.ts'
import type { IndexBackend, OpenIndex, OpenOptions } from './index-backend.ts'
import { beginAccount, createIndexTables, indexVersion } from './index-schema.ts'
import type { IndexDatabase, IndexTables } from './index-tables.ts'
import { TightIndexes } from './postgres-indexes.ts'

const schema = 'mail_index'
/** Version of the schema; increment the second number if only PostgreSQL's full-text tables change. */
const version = `version ${indexVersion}.1`
/** Size of the connection pool per thread. */
const maxConnections = 2
/** Advisory lock (an arbitrary number) that makes servers which start together create the schema once. */
const schemaLock = 5_712_041
/** Messages deleted per transaction when an account is dropped. */
const removedAtOnce = 1_000

interface FoundSchema {
  comment: string | null
  owner: string
  /** The role that this server is connected as. */
  role: string
  is_ours: boolean
  is_open: boolean
}

const belongsToOthers = ({ owner, role }: FoundSchema) =>
  `the schema ${schema} of PostgreSQL belongs to the role "${owner}", so "${role}" cannot make the index of mail in it: drop the schema, whose ` +
  `content is read from the mail servers again, or give it to "${role}" (alter schema ${schema} owner to …)`

export class PostgresIndex implements IndexBackend {
  readonly #db: IndexDatabase
  readonly #fullText: FullTextWriter
  readonly #isReader: boolean
  readonly #now: () => number
  readonly #indexes = new TightIndexes()
  readonly #numbers = new Map<string, number>()
  /** Work in flight, by account. */
  readonly #running = new Map<string, Set<Promise<unknown>>>()
  #prepared: Promise<void> | undefined

  constructor(url: string, fullText: FullTextWriter, { isReader, now = Date.now }: OpenOptions) {
    this.#db = new Kysely({
      dialect: postgresDialect(url, { max: maxConnections, schema }),
      log: event => {
        if (event.level === 'error') markDatabaseFault(event.error)
      },
    })
    this.#fullText = fullText
    this.#isReader = isReader
    this.#now = now
  }

  async use<Result>(accountId: string, work: (index: OpenIndex) => Promise<Result>): Promise<Result> {
    const running = this.#running.get(accountId) ?? new Set()
    this.#running.set(accountId, running)
    const using = this.#use(accountId, work)
    running.add(using)
    try {
      return await using
    } finally {
      running.delete(using)
      if (running.size === 0) this.#running.delete(accountId)
    }
  }

  async #use<Result>(accountId: string, work: (index: OpenIndex) => Promise<Result>): Promise<Result> {
    await this.#prepare()
    const account = await this.#numberOf(accountId)
    return work({
      db: this.#db,
      account,
      bytes: () => this.#bytesOf(account),
      tighten: () => this.#indexes.tighten(this.#db),
    })
  }

  /** Waits for work in flight, which would otherwise find no rows, or write some after the removal. */
  async release(accountId: string): Promise<void> {
    await Promise.allSettled(this.#running.get(accountId) ?? [])
    this.#numbers.delete(accountId)
  }

  async drop(accountId: string): Promise<void> {
    await this.release(accountId)
    await this.#prepare()
    const account = await this.#find(accountId)
    if (account === undefined) return
    const db = this.#db
    // Renamed first: after an interruption, no caller sees a partial index, and the next start removes the rest.
    await db
      .updateTable('accounts')
      .set({ id: `removed ${account}` })
      .where('number', '=', account)
      .execute()
    for (;;) {
      const ofAccount = db.selectFrom('messages').select('rowid').where('account', '=', account)
      const rowids = (await ofAccount.limit(removedAtOnce).execute()).map(({ rowid }) => rowid)
      if (rowids.length === 0) break
      await db.transaction().execute(async transaction => {
        for (const piece of lists(rowids)) {
          await transaction.deleteFrom('messages').where('account', '=', account).where('rowid', 'in', piece).execute()
        }
      })
    }
    await db.transaction().execute(transaction => this.#fullText.drop(transaction, account))
    const others = [
      'text_blocks',
      'envelope_blocks',
      'places',
      'folders',
      'threads',
      'thread_links',
      'tombstones',
      'outgoing',
      'contacts',
      'account_state',
    ] as const
    await db.transaction().execute(async transaction => {
      for (const table of others) {
        await sql`delete from ${sql.table(table satisfies keyof IndexTables)} where account = ${account}`.execute(
          transaction,
        )
      }
      await transaction.deleteFrom('accounts').where('number', '=', account).execute()
    })
  }

  async close(): Promise<void> {
    await this.#db.destroy()
  }

  /** Creates the schema, on the writing thread only; one of another version is dropped. */
  async #prepare(): Promise<void> {
    if (this.#isReader) return
    this.#prepared ??= this.#db.transaction().execute(db => this.#makeSchema(db))
    try {
      await this.#prepared
    } catch (error) {
      this.#prepared = undefined
      throw error
    }
  }

  async #makeSchema(db: IndexDatabase): Promise<void> {
    await sql`select pg_advisory_xact_lock(${schemaLock})`.execute(db)
    const { rows } = await sql<FoundSchema>`
      select obj_description(oid, 'pg_namespace') as comment, pg_get_userbyid(nspowner) as owner, current_user as role,
        pg_has_role(nspowner, 'usage') as is_ours, has_schema_privilege(oid, 'usage') as is_open
      from pg_namespace where nspname = ${schema}`.execute(db)
    const [found] = rows
    if (found?.comment === version && found.is_open) return
    if (found && !found.is_ours) throw new Error(belongsToOthers(found))
    await sql.raw(`drop schema if exists ${schema} cascade`).execute(db)
    await sql.raw(`create schema ${schema}`).execute(db)
    await sql.raw(`comment on schema ${schema} is '${version}'`).execute(db)
    await createIndexTables(db, this.#fullText)
  }

  async #numberOf(accountId: string): Promise<number> {
    const known = this.#numbers.get(accountId) ?? (await this.#find(accountId)) ?? (await this.#make(accountId))
    this.#numbers.set(accountId, known)
    return known
  }

  async #find(accountId: string): Promise<number | undefined> {
    const row = await this.#db.selectFrom('accounts').select('number').where('id', '=', accountId).executeTakeFirst()
    return row?.number
  }

  async #make(accountId: string): Promise<number> {
    return this.#db.transaction().execute(async db => {
      await sql`select pg_advisory_xact_lock(${schemaLock})`.execute(db)
      const { rows } = await sql<{ number: number }>`
        insert into accounts (id) values (${accountId}) on conflict (id) do update set id = excluded.id returning number`.execute(
        db,
      )
      const { number } = rows[0]!
      const state = await db
        .selectFrom('account_state')
        .select('account')
        .where('account', '=', number)
        .executeTakeFirst()
      if (!state) await beginAccount(db, number, this.#now())
      return number
    })
  }

  /** Estimates an account's size: the size of all tables times its share of all messages. */
  async #bytesOf(account: number): Promise<number> {
    const { rows } = await sql<{ bytes: number }>`
      select round(coalesce((select sum(pg_total_relation_size(pg_class.oid)) from pg_class
          join pg_namespace on pg_namespace.oid = relnamespace where nspname = ${schema} and relkind = 'r'), 0)
        * coalesce((select messages from account_state where account = ${account}), 0)
        / greatest((select sum(messages) from account_state), 1))::bigint as bytes`.execute(this.#db)
    return rows[0]!.bytes
  }
}

/** The trail in the database: entries, its two ends, and its settings. */
import { sql } from 'kysely'
import { type AuditFilter, goodOutcomes } from '../../contract/audit.ts'
import type { Database } from '../platform/database/database.ts'
import { later } from '../platform/database/later.ts'
import { insertionOf, moveUnchanged, newestNumber } from './append-store.ts'
import type { AuditChainRow, AuditRow } from './audit-tables.ts'

/** A range of the trail: numbers above `after` and below `before`. */
export interface Stretch {
  after: number
  before: number
  limit: number
}

export type AuditSearch = AuditFilter & {
  /** Restricts entries to these accounts, besides those that concern no account; undefined for all. */
  accounts?: ReadonlySet<string> | undefined
}

/** Rows of one INSERT: few sizes, so few statements to prepare. 18 values each, below the limits of both databases. */
const insertSizes = [256, 64, 16, 4, 1]
const settingName = 'audit'

export class AuditStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  async transact<Result>(work: (transaction: Database) => Promise<Result>): Promise<Result> {
    return this.#db.transaction().execute(work)
  }

  /**
   * Locks and returns the ends until the end of the transaction, so that neither another process nor the command line
   * can append to the same end. Undefined while there are none.
   */
  async lock(transaction: Database): Promise<AuditChainRow | undefined> {
    return locking(transaction).executeTakeFirst()
  }

  /** Locks the ends, and reads the number of the newest entry in one statement, since every change waits for it. */
  async lockWithNewest(transaction: Database): Promise<{ row: AuditChainRow; newestEntry: number } | undefined> {
    const found = await locking(transaction).returning(newestNumber.as('newest_entry')).executeTakeFirst()
    if (!found) return undefined
    const { newest_entry, ...row } = found
    return { row, newestEntry: Number(newest_entry ?? 0) }
  }

  /** Inserts the ends, unless another process was faster. */
  async insertEnds(transaction: Database, row: AuditChainRow): Promise<void> {
    await transaction
      .insertInto('audit_chain')
      .values(row)
      .onConflict(conflict => conflict.column('id').doNothing())
      .execute()
  }

  /** Updates the ends with the commit. */
  async saveEnds(transaction: Database, row: AuditChainRow): Promise<void> {
    await later(transaction, transaction.updateTable('audit_chain').set(row).where('id', '=', 1))
  }

  /** Moves the ends with the commit, which rolls back if they changed or another process appended an entry. */
  async moveEnds(transaction: Database, before: AuditChainRow, after: AuditChainRow): Promise<void> {
    await later(transaction, moveUnchanged.with(transaction, before, after), 1)
  }

  async findEnds(): Promise<AuditChainRow | undefined> {
    return this.#db.selectFrom('audit_chain').selectAll().where('id', '=', 1).executeTakeFirst()
  }

  /** Inserts rows, batched with the next statements of the transaction. */
  async insert(transaction: Database, rows: readonly AuditRow[]): Promise<void> {
    for (let start = 0; start < rows.length; ) {
      const size = insertSizes.find(candidate => candidate <= rows.length - start) ?? 1
      await later(transaction, insertionOf(transaction, rows.slice(start, start + size)))
      start += size
    }
  }

  async find(number: number, db: Database = this.#db): Promise<AuditRow | undefined> {
    return db.selectFrom('audit_entries').selectAll().where('number', '=', number).executeTakeFirst()
  }

  /** Returns the newest entry among those with a valid number. */
  async findNewest(db: Database = this.#db): Promise<AuditRow | undefined> {
    const numbered = db.selectFrom('audit_entries').selectAll().where('number', '<', Number.MAX_SAFE_INTEGER)
    return numbered.orderBy('number', 'desc').limit(1).executeTakeFirst()
  }

  /**
   * Returns the number of an entry outside a range, as text: SQLite stores any value, or none, as the number, if
   * someone writes into the table.
   */
  async findStray({ after, upTo }: { after: number; upTo: number }): Promise<string | undefined> {
    const row = await this.#db
      .selectFrom('audit_entries')
      .select(sql<string | null>`cast(number as text)`.as('words'))
      .where(({ eb, or }) => or([eb('number', 'is', null), eb('number', '<=', after), eb('number', '>', upTo)]))
      // Entries that were appended meanwhile come last.
      .orderBy(sql`case when number > ${upTo} and number < ${Number.MAX_SAFE_INTEGER} then 1 else 0 end`)
      .orderBy('number')
      .limit(1)
      .executeTakeFirst()
    return row && (row.words ?? '')
  }

  /** Returns entries in order, oldest first. */
  async list({ after, before, limit }: Stretch, db: Database = this.#db): Promise<AuditRow[]> {
    return db
      .selectFrom('audit_entries')
      .selectAll()
      .where('number', '>', after)
      .where('number', '<', before)
      .orderBy('number')
      .limit(limit)
      .execute()
  }

  /** Scans the whole range if little matches, so the range should be short. */
  async search({ after, before, limit }: Stretch, filter: AuditSearch, order: 'asc' | 'desc'): Promise<AuditRow[]> {
    const { accounts, principal, operation, effect, account_id, outcome, from, to } = filter
    // PostgreSQL accepts no empty list, which a token without visible accounts has.
    const listed = accounts && accounts.size > 0 ? [[...accounts]] : []
    return this.#db
      .selectFrom('audit_entries')
      .selectAll()
      .where('number', '>', after)
      .where('number', '<', before)
      .$if(principal !== undefined, query => query.where(isPrincipal(principal ?? '')))
      .$if(operation !== undefined, query => query.where(beginsWith('operation', operation ?? '')))
      .$if(effect !== undefined, query => query.where('effect', '=', effect ?? ''))
      .$if(account_id !== undefined, query => query.where('account_id', '=', account_id ?? ''))
      .$if(accounts !== undefined, query =>
        query.where(({ eb, or }) =>
          or([eb('account_id', 'is', null), ...listed.map(ids => eb('account_id', 'in', ids))]),
        ),
      )
      .$if(outcome !== undefined, query =>
        query.where('outcome', outcome === 'ok' ? 'in' : 'not in', [...goodOutcomes]),
      )
      .$if(from !== undefined, query => query.where('at', '>=', from ?? ''))
      .$if(to !== undefined, query => query.where('at', '<=', to ?? ''))
      .orderBy('number', order)
      .limit(limit)
      .execute()
  }

  /** Returns the number of the oldest entry of a range at that time or later. */
  async findFirstSince(at: string, { after, upTo }: { after: number; upTo: number }): Promise<number | undefined> {
    const part = this.#db.selectFrom('audit_entries').where('number', '>', after).where('number', '<=', upTo)
    const young = part.select('number').where('at', '>=', at)
    return (await young.orderBy('number').limit(1).executeTakeFirst())?.number
  }

  async removeUpTo(transaction: Database, number: number): Promise<void> {
    await transaction.deleteFrom('audit_entries').where('number', '<=', number).execute()
  }

  async findSettings(): Promise<unknown> {
    const row = await this.#db.selectFrom('settings').select('value').where('name', '=', settingName).executeTakeFirst()
    return row ? JSON.parse(row.value) : undefined
  }

  async saveSettings(value: unknown, at: string): Promise<void> {
    const row = { value: JSON.stringify(value), updated_at: at }
    await this.#db
      .insertInto('settings')
      .values({ name: settingName, ...row })
      .onConflict(conflict => conflict.column('name').doUpdateSet(row))
      .execute()
  }
}

function locking(transaction: Database) {
  return transaction.updateTable('audit_chain').set({ id: 1 }).where('id', '=', 1).returningAll()
}

/** Matches one of the ids, or a part of the name in any case. */
function isPrincipal(text: string) {
  const part = `%${text.toLowerCase().replaceAll(/[\\%_]/g, '\\$&')}%`
  return sql<boolean>`(principal_id = ${text} or user_id = ${text} or token_id = ${text} or session_id = ${text}
    or lower(principal_name) like ${part} escape '\\')`
}

/** Avoids LIKE, which ignores case only on SQLite. */
function beginsWith(column: 'operation', text: string) {
  return sql<boolean>`substr(${sql.ref(column)}, 1, ${text.length}) = ${text}`
}

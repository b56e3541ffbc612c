/** Follows messages through the completed moves of operations. */
import { SqliteAdapter, sql } from 'kysely'
import type { Renamed } from '../index/expected-changes.ts'
import type { Database } from '../platform/database/database.ts'
import { type Change, type Place, placeKey } from './operation-tables.ts'

/** Rows read of the moves out of a range of UIDs; with more of them, the wanted UIDs are queried one by one. */
const mostNear = 200

export class MovedMessageStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  /** Returns the current places of messages that operations have moved since, by `placeKey`; omits the others. */
  async follow(accountId: string, places: readonly Place[]): Promise<Map<string, Place>> {
    const found = new Map<string, Place>()
    let open = new Map(places.map(place => [placeKey(place), { first: placeKey(place), place }]))
    while (open.size > 0) {
      const next: typeof open = new Map()
      const moves = await this.#movesFrom(
        accountId,
        [...open.values()].map(({ place }) => place),
      )
      for (const { from, to } of moves) {
        const first = open.get(placeKey(from))?.first
        // Moving a message to the folder that it is in was a no-op.
        if (first === undefined || placeKey(from) === placeKey(to)) continue
        found.set(first, to)
        next.set(placeKey(to), { first, place: to })
      }
      open = next
    }
    return found
  }

  /** Applies the rename of a folder to stored places, and to the targets of waiting changes. */
  async renameFolder(transaction: Database, accountId: string, renamed: Renamed): Promise<void> {
    for (const column of ['path', 'after_path'] as const) {
      const paths = await this.#distinct(transaction, accountId, column)
      for (const path of paths.filter(each => renamed(each) !== each)) {
        await transaction
          .updateTable('operation_items')
          .set({ [column]: renamed(path) })
          .where('operation_id', 'in', operationsOf(transaction, accountId))
          .where(column, '=', path)
          .execute()
      }
    }
    for (const change of await this.#distinct(transaction, accountId, 'change')) {
      const { to: target, ...others } = JSON.parse(change) as Change
      if (target === undefined || renamed(target) === target) continue
      await transaction
        .updateTable('operation_items')
        .set({ change: JSON.stringify({ ...others, to: renamed(target) }) })
        .where('operation_id', 'in', operationsOf(transaction, accountId))
        .where('change', '=', change)
        .where('state', '=', 'waiting')
        .execute()
    }
  }

  async #distinct(db: Database, accountId: string, column: 'path' | 'after_path' | 'change'): Promise<string[]> {
    const rows = await db
      .selectFrom('operation_items')
      .select(`${column} as value`)
      .distinct()
      .where('operation_id', 'in', operationsOf(db, accountId))
      .where(column, 'is not', null)
      .execute()
    // Shorter paths first: when a folder takes its parent's path, one folder's new path may be another's old one.
    return rows.map(({ value }) => value as string).sort((one, other) => one.length - other.length)
  }

  async #movesFrom(accountId: string, places: readonly Place[]): Promise<{ from: Place; to: Place }[]> {
    const folders = Map.groupBy(places, ({ path, uidValidity }) => `${uidValidity}:${path}`)
    const moves: { from: Place; to: Place }[] = []
    for (const group of folders.values()) {
      const { path, uidValidity } = group[0]!
      const uids = group.map(({ uid }) => uid)
      const query = this.#db
        .selectFrom('operation_items')
        .innerJoin('operations', 'operations.id', 'operation_items.operation_id')
        .select(['uid', 'after_path', 'after_uid_validity', 'after_uid'])
        .where('operation_items.account_id', '=', accountId)
        .where('path', '=', path)
        .where('uid_validity', '=', uidValidity)
        .where('operation_items.state', '=', 'done')
        .where('operations.kind', '=', 'move')
        .where('after_uid', 'is not', null)
      // Few messages of a range were moved, as a rule, and looking up each of a thousand takes ten times as long.
      const near = await query
        .where('uid', '>=', Math.min(...uids))
        .where('uid', '<=', Math.max(...uids))
        .limit(mostNear + 1)
        .execute()
      const wanted = new Set<number | null>(uids)
      const rows =
        near.length <= mostNear
          ? near.filter(({ uid }) => wanted.has(uid))
          : await query.where('uid', 'in', numbersIn(this.#db, uids)).execute()
      for (const { uid, after_path, after_uid_validity, after_uid } of rows) {
        const to = { path: after_path!, uidValidity: after_uid_validity!, uid: after_uid! }
        moves.push({ from: { path, uidValidity, uid: uid! }, to })
      }
    }
    return moves
  }
}

/** Selects the ids of the account's operations, through which their items are indexed. */
function operationsOf(db: Database, accountId: string) {
  return db.selectFrom('operations').select('id').where('account_id', '=', accountId)
}

/** Passes numbers as one JSON text, since binding a thousand parameters takes longer than the search. */
function numbersIn(db: Database, numbers: readonly number[]) {
  const text = JSON.stringify(numbers)
  const isSqlite = db.getExecutor().adapter instanceof SqliteAdapter
  if (isSqlite) return sql<number>`(select value from json_each(${text}))`
  return sql<number>`(select value::bigint from jsonb_array_elements_text(${text}::jsonb))`
}

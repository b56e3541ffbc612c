/** What one transaction changes of an account's index: numbered modifications, and the facts that tell of them. */
import type { BlockCache } from './block-cache.ts'
import { insertRows, lists, updateRows } from './bulk-rows.ts'
import { fixedStatement } from './fixed-statement.ts'
import { IndexFault } from './index-fault.ts'
import type { AccountStateRow, IndexDatabase, NamedFolder, SearchBeginning } from './index-tables.ts'
import type { FactData, IndexedChanges, OutgoingFact } from './index-types.ts'
import { messageIdText } from './message-identity.ts'

/** Tombstones that are kept; the oldest go first. */
const maxTombstones = 100_000

/** Of messages that get another modification number. */
export const keepsCreated = { created_modseq: 'coalesce(messages.created_modseq, messages.modseq)' }

/** The account that rows belong to. */
export interface IndexOwner {
  db: IndexDatabase
  account: number
  /** What was read of it lately; left out where it is written. */
  blocks?: AccountBlocks | undefined
  /** What is read once for an answer; left out where it may change meanwhile. */
  answer?: { folders?: Promise<readonly NamedFolder[]>; begun?: SearchBeginning } | undefined
}

/** Blocks of one account, whatever its number. */
export interface AccountBlocks {
  accountId: string
  cache: BlockCache
}

export class IndexChange implements IndexOwner {
  readonly db: IndexDatabase
  readonly account: number
  readonly state: AccountStateRow
  readonly #facts: OutgoingFact[] = []
  readonly #touched = new Set<number>()
  readonly #before: string

  private constructor({ db, account }: IndexOwner, state: AccountStateRow) {
    this.db = db
    this.account = account
    this.state = state
    this.#before = JSON.stringify(state)
  }

  /**
   * In a transaction: no other one changes the account until it ends.
   * @param lowestFact No fact gets a lower number. The file may be newer than what was forwarded from the one before it.
   */
  static async begin(owner: IndexOwner, lowestFact: number): Promise<IndexChange> {
    const state = await owner.db
      .updateTable('account_state')
      .set(({ ref }) => ({ modseq: ref('modseq') }))
      .where('account', '=', owner.account)
      .returningAll()
      .executeTakeFirstOrThrow()
    state.last_fact = Math.max(state.last_fact, lowestFact - 1)
    return new IndexChange(owner, state)
  }

  /** Each row that is created, changed or removed has a number of its own, so that any of them may end a page. */
  nextModseq(): number {
    this.state.modseq++
    return this.state.modseq
  }

  /** The message has another place or other flags: at the end it gets a new number, and it is known whether it has a place at all. */
  touch(message: number): void {
    this.#touched.add(message)
  }

  get touched(): readonly number[] {
    return [...this.#touched]
  }

  announce<Type extends keyof FactData>(type: Type, data: FactData[Type]): void {
    this.state.last_fact++
    this.#facts.push({ number: this.state.last_fact, type, data } as OutgoingFact)
  }

  /** Messages without a place are orphans of this round; those that have one again no longer are. */
  async settleTouched(): Promise<void> {
    const { db, account, state } = this
    const round = `case when exists (select 1 from places where places.account = ${account} and places.message = messages.rowid)
      then null else coalesce(messages.orphaned_round, ${state.round}) end`
    const rows = [...this.#touched].map(rowid => [rowid, this.nextModseq()])
    await updateRows(
      db,
      account,
      { table: 'messages', keys: ['rowid'], sets: ['modseq'], expressions: { orphaned_round: round, ...keepsCreated } },
      rows,
    )
    this.#touched.clear()
  }

  /** Writes what was counted and announced. */
  async finish(): Promise<void> {
    const { db, account, state } = this
    await this.settleTouched()
    const { modseq } = state
    const facts = this.#facts.map(({ number, type, data }) => {
      return [account, number, type, JSON.stringify('modseq' in data ? { ...data, modseq } : data)]
    })
    await insertRows(db, 'outgoing', ['account', 'number', 'type', 'data'], facts)
    if (JSON.stringify(state) === this.#before) return
    await db.updateTable('account_state').set(state).where('account', '=', account).execute()
  }
}

/** @param rows Messages that are removed. */
export async function leaveTombstones(
  change: IndexChange,
  rows: readonly { id: Uint8Array; created_modseq: number }[],
  most = maxTombstones,
): Promise<void> {
  const { db, account, state } = change
  const stones = rows.map(({ id, created_modseq }) => [account, change.nextModseq(), id, created_modseq])
  await insertRows(db, 'tombstones', ['account', 'modseq', 'id', 'created_modseq'], stones)
  const first = await db
    .selectFrom('tombstones')
    .select('modseq')
    .where('account', '=', account)
    .orderBy('modseq', 'desc')
    .offset(most)
    .limit(1)
    .executeTakeFirst()
  if (!first) return
  await db.deleteFrom('tombstones').where('account', '=', account).where('modseq', '<=', first.modseq).execute()
  state.oldest_modseq = Math.max(state.oldest_modseq, first.modseq)
}

/** Messages that are there again are not gone. */
export async function removeTombstones({ db, account }: IndexOwner, ids: readonly Uint8Array[]): Promise<void> {
  for (const piece of lists(ids)) await removeTombstonesOf(db, account, piece)
}

const removeTombstonesOf = fixedStatement((db, account: number, ids: readonly Uint8Array[]) =>
  db.deleteFrom('tombstones').where('account', '=', account).where('id', 'in', ids),
)

export interface ChangesQuery {
  /** `modseq` of what the caller knows. */
  since: number
  /** Where there is more: `modseq` of the page before, with the same `since`. */
  from?: number
  limit: number
}

/** @throws IndexFault `cannot_calculate_changes` */
export async function changesSince(
  { db, account }: IndexOwner,
  { since, from = since, limit }: ChangesQuery,
): Promise<IndexedChanges> {
  const state = await db
    .selectFrom('account_state')
    .select(['modseq', 'oldest_modseq'])
    .where('account', '=', account)
    .executeTakeFirstOrThrow()
  if (since < state.oldest_modseq || from < since || from > state.modseq) {
    throw new IndexFault('cannot_calculate_changes', `changes are known from ${state.oldest_modseq} to ${state.modseq}`)
  }
  const ofTable = (table: 'messages' | 'tombstones') =>
    db
      .selectFrom(table)
      .select(({ fn }) => ['id', 'modseq', fn.coalesce('created_modseq', 'modseq').as('created_modseq')])
      .where('account', '=', account)
      .where('modseq', '>', from)
      .orderBy('modseq')
      .limit(limit + 1)
      .execute()
  const there = (await ofTable('messages')).map(row => ({ ...row, isGone: false }))
  const gone = (await ofTable('tombstones')).map(row => ({ ...row, isGone: true }))
  const all = [...there, ...gone].sort((one, other) => one.modseq - other.modseq)
  const page = all.slice(0, limit)
  const hasMore = all.length > limit
  const ids = (rows: typeof page) => rows.map(({ id }) => messageIdText(id))
  return {
    created: ids(page.filter(row => !row.isGone && row.created_modseq > since)),
    updated: ids(page.filter(row => !row.isGone && row.created_modseq <= since)),
    // One that came and went since then was never told, unless in a page before this one.
    destroyed: ids(page.filter(row => row.isGone && row.created_modseq <= from)),
    modseq: hasMore ? page.at(-1)!.modseq : state.modseq,
    hasMore,
  }
}

export async function listOutgoing({ db, account }: IndexOwner, above: number, limit: number): Promise<OutgoingFact[]> {
  const rows = await db
    .selectFrom('outgoing')
    .select(['number', 'type', 'data'])
    .where('account', '=', account)
    .where('number', '>', above)
    .orderBy('number')
    .limit(limit)
    .execute()
  return rows.map(({ data, ...row }) => ({ ...row, data: JSON.parse(data) }) as OutgoingFact)
}

/** Those that are in the event log, up to this number. */
export async function deleteOutgoing({ db, account }: IndexOwner, upTo: number): Promise<void> {
  await db.deleteFrom('outgoing').where('account', '=', account).where('number', '<=', upTo).execute()
}

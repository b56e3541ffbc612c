/** Records one transaction's changes to an account's index: modification numbers and the facts that report them. */
import type { BlockCache } from './block-cache.ts'
import { insertRows, lists, updateRows } from './bulk-rows.ts'
import { fixedStatement } from './fixed-statement.ts'
import { IndexFault } from './index-fault.ts'
import type { AccountStateRow, IndexDatabase, NamedFolder, SearchBeginning } from './index-tables.ts'
import type { FactData, IndexedChanges, OutgoingFact } from './index-types.ts'
import { messageIdText } from './message-identity.ts'

/** Tombstones kept per account; past it, the oldest are removed and older changes cannot be calculated. */
const maxTombstones = 100_000

/** Keeps the modseq of a message's creation when it gets a new one. */
export const keepsCreated = { created_modseq: 'coalesce(messages.created_modseq, messages.modseq)' }

/** The account whose rows are accessed, with caches for reading. */
export interface IndexOwner {
  db: IndexDatabase
  account: number
  /** Recently read blocks; omitted when writing. */
  blocks?: AccountBlocks | undefined
  /** Data read once per answer; omitted where it may change meanwhile. */
  answer?: { folders?: Promise<readonly NamedFolder[]>; begun?: SearchBeginning } | undefined
}

/** The block cache, keyed by account id instead of its number in the database. */
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
   * Begins a change inside a transaction, and locks the account against other changes until the transaction ends.
   * @param lowestFact Lower bound for numbers of facts: those forwarded from a previous file may exceed this file's.
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

  /** Returns the next modseq; each row created, changed or removed gets its own, so that any may end a page. */
  nextModseq(): number {
    this.state.modseq++
    return this.state.modseq
  }

  /** Marks a message whose places or flags changed, for `settleTouched`. */
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

  /** Gives touched messages a new modseq; those without a place become orphans of this round, others cease to be. */
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

  /** Writes the account's state and the announced facts. */
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

/** Leaves tombstones of removed messages; the oldest beyond `most` are removed. */
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

/** Removes the tombstones of messages that came back. */
export async function removeTombstones({ db, account }: IndexOwner, ids: readonly Uint8Array[]): Promise<void> {
  for (const piece of lists(ids)) await removeTombstonesOf(db, account, piece)
}

const removeTombstonesOf = fixedStatement((db, account: number, ids: readonly Uint8Array[]) =>
  db.deleteFrom('tombstones').where('account', '=', account).where('id', 'in', ids),
)

export interface ChangesQuery {
  /** `modseq` of the state that the caller has. */
  since: number
  /** For further pages: `modseq` of the previous page, with the same `since`. */
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
    // A message created and destroyed since then was never reported, except on an earlier page.
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

/** Deletes facts that are in the event log, up to this number. */
export async function deleteOutgoing({ db, account }: IndexOwner, upTo: number): Promise<void> {
  await db.deleteFrom('outgoing').where('account', '=', account).where('number', '<=', upTo).execute()
}

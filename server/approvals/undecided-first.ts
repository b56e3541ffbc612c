/**
 * Pages of a list that starts with undecided rows, oldest first, and continues with decided ones, newest first. The
 * first letter of a cursor names the part, the rest the last row shown.
 */
import { badCursor, listedAccounts } from '../platform/list-query.ts'
import type { Principal } from '../platform/principal.ts'

const decidedMark = 'd'

/** The filter of a list. Programs see only their own rows. */
export interface ShownRows<State> {
  /** Account ids; undefined for all. */
  accounts: readonly string[] | undefined
  principalId: string | undefined
  state: State | undefined
}

export interface UndecidedFirst<State, Row> {
  /** The letter of cursors in the undecided part. */
  mark: string
  /** The form of row ids. */
  id: RegExp
  /** The state of undecided rows: a list of this state has only them, a list of another state none of them. */
  undecided: State
  listUndecided(query: ShownRows<State>, after: string | undefined, limit: number): Promise<Row[]>
  listDecided(query: ShownRows<State>, before: string | undefined, limit: number): Promise<Row[]>
}

export interface RowsQuery<State> {
  state?: State | undefined
  account_id?: string | undefined
  limit: number
  cursor?: string | undefined
}

/** @throws Problem `bad_request` for a cursor of another list. */
export async function pageOfUndecidedFirst<State, Row extends { id: string }>(
  { mark, id, undecided: undecidedState, listUndecided, listDecided }: UndecidedFirst<State, Row>,
  principal: Principal,
  { state, account_id: accountId, limit, cursor = mark }: RowsQuery<State>,
): Promise<{ query: ShownRows<State>; rows: Row[]; next: string | null }> {
  const query: ShownRows<State> = {
    accounts: listedAccounts(principal, accountId),
    principalId: principal.kind === 'session' ? undefined : principal.id,
    state,
  }
  const [part, last] = [cursor.slice(0, 1), cursor.slice(1) || undefined]
  if ((part !== mark && part !== decidedMark) || (last !== undefined && !id.test(last))) throw badCursor()
  const wantsUndecided = part === mark && (state === undefined || state === undecidedState)
  const undecided = wantsUndecided ? await listUndecided(query, last, limit + 1) : []
  if (undecided.length > limit) {
    const rows = undecided.slice(0, limit)
    return { query, rows, next: mark + rows.at(-1)!.id }
  }
  if (state === undecidedState) return { query, rows: undecided, next: null }
  const room = limit - undecided.length
  // A full page announces more; the next page may turn out to be empty.
  if (room === 0) return { query, rows: undecided, next: decidedMark }
  const decided = await listDecided(query, part === decidedMark ? last : undefined, room + 1)
  const rows = [...undecided, ...decided.slice(0, room)]
  return { query, rows, next: decided.length > room ? decidedMark + rows.at(-1)!.id : null }
}

/** The address of the page of changes: the filter, the position, and what is open. */
import type { Operation, OperationState } from '../../contract/operations.ts'

export const perPage = 50

export const viewDefaults = {
  principal: '',
  /** Name of a session of this principal. */
  session: '',
  account: '',
  state: '',
  /** Cursor of the page; empty for the newest. */
  cursor: '',
  /** The operation whose messages are shown. */
  operation: '',
  /** Which undo dialog is open: `since` for a time, `session` for a whole session. */
  undo: '',
}
export type ChangesView = typeof viewDefaults

export function hasFilter({ principal, session, account, state }: ChangesView): boolean {
  return [principal, session, account, state].some(value => value !== '')
}

/** Builds the query; the server validates the values, so unknown ones produce its error. */
export function queryOf({ principal, session, account, state, cursor }: ChangesView) {
  return {
    limit: perPage,
    principal: principal || undefined,
    session: session || undefined,
    account_id: account || undefined,
    state: state === '' ? undefined : (state as OperationState),
    cursor: cursor || undefined,
  }
}

/** Returns the principal of a token, as operations name it. */
export function principalOfToken(tokenId: string): string {
  return `token-${tokenId}`
}

/** Returns the address that undoes a principal's changes: a whole session if named, else since a time. */
export function undoAddress(principal: string, session: string | null = null): string {
  const chosen = session === null ? { undo: 'since' } : { session, undo: 'session' }
  return `/changes?${new URLSearchParams({ principal, ...chosen })}`
}

/** Removes duplicate principals, keeping the first name. */
export function eachOnce(principals: readonly Operation['principal'][]): Operation['principal'][] {
  const known = new Map<string, Operation['principal']>()
  for (const principal of principals) if (!known.has(principal.id)) known.set(principal.id, principal)
  return [...known.values()]
}

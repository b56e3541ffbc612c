/** What the address says about the page of changes: the filter, how far back one has gone, and what is open. */
import type { Operation, OperationState } from '../../contract/operations.ts'

export const perPage = 50

export const viewDefaults = {
  principal: '',
  /** Of work, of this principal. */
  session: '',
  account: '',
  state: '',
  /** Where the page begins; empty for the newest. */
  cursor: '',
  /** The one whose messages are shown. */
  operation: '',
  /** `since` while it is chosen from when on everything is undone; `session` while all of the session is. */
  undo: '',
}
export type ChangesView = typeof viewDefaults

export function hasFilter({ principal, session, account, state }: ChangesView): boolean {
  return [principal, session, account, state].some(value => value !== '')
}

/** The server judges what the address says; an unknown value comes back as its own words. */
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

/** What operations call a token that asked for them. */
export function principalOfToken(tokenId: string): string {
  return `token-${tokenId}`
}

/** Where everything that somebody did is undone: all of the session where it is named, else from a time on. */
export function undoAddress(principal: string, session: string | null = null): string {
  const chosen = session === null ? { undo: 'since' } : { session, undo: 'session' }
  return `/changes?${new URLSearchParams({ principal, ...chosen })}`
}

/** Each once, with the name that comes first. */
export function eachOnce(principals: readonly Operation['principal'][]): Operation['principal'][] {
  const known = new Map<string, Operation['principal']>()
  for (const principal of principals) if (!known.has(principal.id)) known.set(principal.id, principal)
  return [...known.values()]
}

/**
 * Rules that restrict changes of accounts even for callers that may change them: their list of accounts, stored
 * passwords, the sandbox.
 */
import type { AccountChange } from '../../contract/accounts.ts'
import type { Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import { seesAll } from '../platform/visible-figures.ts'
import type { AccountRow } from './account-tables.ts'
import { isLoopback } from './account-verifier.ts'

/**
 * The fields that identify a login: an answer about them discloses whether that login is connected already. The sandbox
 * sets them itself.
 */
const loginFields = ['host', 'port', 'user'] as const

/**
 * Refuses callers with a list of accounts; only tokens that may change accounts can have one, since users who may
 * change accounts see all.
 * @param doing The refused action as the beginning of a sentence: `Adding an account`.
 */
export function refuseNarrow(principal: Principal, doing: string): void {
  if (seesAll(principal)) return
  const detail = `${doing} requires access to all accounts, and this token sees only some. Sign in instead.`
  throw new Problem('beyond_own_rights', detail)
}

/**
 * Refuses callers with a list of accounts to choose the default, and to point an account that they see to another
 * login.
 */
export function refuseBeyondList(principal: Principal, change: AccountChange): void {
  if (change.is_default !== undefined) refuseNarrow(principal, 'Choosing the default account')
  if (loginFields.some(field => change.imap?.[field] !== undefined)) {
    refuseNarrow(principal, 'Changing the mailbox of an account')
  }
}

const parts = ['imap', 'smtp'] as const

/**
 * Sends a stored password only to the server for which it was given, so that callers who may move an account cannot
 * learn it. Applies without a trial too, since the account connects later in any case.
 * @param field Where the body would contain the password.
 * @throws Problem bad_request.
 */
export function refuseMovedPassword(
  row: AccountRow,
  change: AccountChange,
  field = (part: (typeof parts)[number]) => `${part}.password`,
): void {
  for (const part of parts) {
    const server = change[part]
    const place = placeOf(row, part)
    // An access token is sent only to servers of its provider, which each login checks, wherever the account is moved.
    if (!server || server.password !== undefined || !place || row.grant_id !== null) continue
    if (isElsewhere(place, { ...place, ...givenPlace(server) })) throw movedPassword(part, field(part))
  }
}

/**
 * Refuses a password if the account was moved during a trial, since a password is sent only to the server for which it
 * was given.
 * @param meant The account at the time of the request, with the change.
 * @param kept The account now, with the change.
 * @throws Problem bad_request.
 */
export function refuseMovedMeanwhile(meant: AccountRow, kept: AccountRow, change: AccountChange): void {
  for (const part of parts) {
    const [wanted, place] = [placeOf(meant, part), placeOf(kept, part)]
    if (change[part]?.password === undefined || !wanted || !place) continue
    if (isElsewhere(wanted, place)) throw movedPassword(part, `${part}.password`)
  }
}

type Place = { host: string; port: number }

function placeOf(row: AccountRow, part: (typeof parts)[number]): Place | undefined {
  const [host, port] = [row[`${part}_host`], row[`${part}_port`]]
  return host === null || port === null ? undefined : { host, port }
}

function givenPlace({ host, port }: { host?: string | undefined; port?: number | undefined }): Partial<Place> {
  return { ...(host !== undefined && { host }), ...(port !== undefined && { port }) }
}

/** Returns true for another server; on this machine another port is another program. */
function isElsewhere(from: Place, to: Place): boolean {
  return to.host !== from.host || (isLoopback(from.host) && to.port !== from.port)
}

function movedPassword(part: (typeof parts)[number], field: string): Problem {
  const message = 'enter the password again: it was entered for another server and is not sent to this one'
  return new Problem('bad_request', `${field}: ${message}`, { part, errors: [{ path: `body.${field}`, message }] })
}

/** Refuses a password for an account that signs in by OAuth2. @throws Problem bad_request. */
export function refusePasswordBesideGrant(row: AccountRow, change: AccountChange): void {
  const part = parts.find(each => change[each]?.password !== undefined)
  if (row.grant_id === null || part === undefined) return
  const message = 'this account signs in at its provider; to use a password, disconnect it and connect it again'
  throw new Problem('bad_request', `${part}.password: ${message}`, {
    part,
    errors: [{ path: `body.${part}.password`, message }],
  })
}

/**
 * Refuses changes of the sandbox's account: its server sets where it is, and starts and stops with the process.
 * @throws Problem for a change that the next start of the sandbox would undo, or that needs its server.
 */
export function refuseSandboxChange(change: AccountChange, isRunning: boolean): void {
  for (const part of ['imap', 'smtp'] as const) {
    const field = loginFields.find(name => change[part]?.[name] !== undefined)
    if (field === undefined) continue
    const message = 'the sandbox sets this itself; connect your mailbox as a separate account'
    throw new Problem('bad_request', `${part}.${field}: ${message}`, {
      part,
      errors: [{ path: `body.${part}.${field}`, message }],
    })
  }
  if (change.enabled && !isRunning) throw sandboxStopped()
}

export function sandboxStopped(): Problem {
  return new Problem('account_disabled', 'The sandbox is not running. Start it to reconnect its account.')
}

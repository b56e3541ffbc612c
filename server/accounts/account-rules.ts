/** What may not be done to an account, even by callers that may change it: beyond their list, with a kept password, to the sandbox's. */
import type { AccountChange } from '../../contract/accounts.ts'
import type { Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import { seesAll } from '../platform/visible-figures.ts'
import type { AccountRow } from './account-tables.ts'
import { isLoopback } from './account-verifier.ts'

/** Which login an account is: the answer tells whether that login is connected already. The sandbox sets them itself. */
const loginFields = ['host', 'port', 'user'] as const

/**
 * Only tokens have a list of accounts and may change accounts: people who may, see all.
 * @param doing What is not done, as the beginning of a sentence: `Adding an account`.
 */
export function refuseNarrow(principal: Principal, doing: string): void {
  if (seesAll(principal)) return
  const detail = `${doing} requires access to all accounts, and this token sees only some. Sign in instead.`
  throw new Problem('beyond_own_rights', detail)
}

/** Changing an account that one sees: not what others are measured by, nor to another login, nor who gets its mail. */
export function refuseBeyondList(principal: Principal, change: AccountChange): void {
  if (change.is_default !== undefined) refuseNarrow(principal, 'Choosing the default account')
  if (loginFields.some(field => change.imap?.[field] !== undefined)) {
    refuseNarrow(principal, 'Changing the mailbox of an account')
  }
  // All that is sent from then on would be told to another server, and answers would go to another address.
  if (change.email !== undefined || loginFields.some(field => change.smtp?.[field] !== undefined)) {
    refuseNarrow(principal, 'Changing by which server, or from which address, an account sends')
  }
}

const parts = ['imap', 'smtp'] as const

/**
 * A kept password goes only to the server for which it was given: who may move an account does not learn it by that.
 * Whether the server is tried or not: it is connected to later in any case. @param field Where in the body the password would stand.
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
    // An access token goes to servers of its provider alone, wherever the account is moved: that is asked at each login.
    if (!server || server.password !== undefined || !place || row.grant_id !== null) continue
    if (isElsewhere(place, { ...place, ...givenPlace(server) })) throw movedPassword(part, field(part))
  }
}

/**
 * A trial takes a while, and the account may have been moved meanwhile: a password goes to the server for which it was given also then.
 * @param meant The account as it was when it was asked for, with the change. @param kept As it is now, with the change.
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

/** On this machine, another port is another program's. */
function isElsewhere(from: Place, to: Place): boolean {
  return to.host !== from.host || (isLoopback(from.host) && to.port !== from.port)
}

function movedPassword(part: (typeof parts)[number], field: string): Problem {
  const message = 'enter the password again: it was entered for another server and is not sent to this one'
  return new Problem('bad_request', `${field}: ${message}`, { part, errors: [{ path: `body.${field}`, message }] })
}

/** It has no password while it signs in by OAuth2. @throws Problem bad_request. */
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
 * What may not be done to the sandbox's account: its server sets where it is, and comes and goes with the process.
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

/** A kept password goes only to the server for which it was given: who may move an account does not learn it by that. */
import type { AccountChange } from '../../contract/accounts.ts'
import { Problem } from '../platform/problem.ts'
import type { AccountRow } from './account-tables.ts'
import { isLoopback } from './account-verifier.ts'

const parts = ['imap', 'smtp'] as const

/**
 * Whether the server is tried or not: it is connected to later in any case.
 * @param field Where in the body the password would stand.
 * @throws Problem bad_request.
 */
export function refuseMovedPassword(
  row: AccountRow,
  change: AccountChange,
  field = (part: (typeof parts)[number]) => `${part}.password`,
): void {
  for (const part of parts) {
    const server = change[part]
    const [host, port] = [row[`${part}_host`], row[`${part}_port`]]
    if (!server || server.password !== undefined || host === null) continue
    // On this machine, another port is another program's.
    const isElsewhere = (server.host ?? host) !== host || (isLoopback(host) && (server.port ?? port) !== port)
    if (!isElsewhere) continue
    const message = 'enter the password again: it was entered for another server and is not sent to this one'
    throw new Problem('bad_request', `${field(part)}: ${message}`, {
      part,
      errors: [{ path: `body.${field(part)}`, message }],
    })
  }
}

/** What may not be done to the sandbox's account: its server sets where it is, and comes and goes with the process. */
import type { AccountChange } from '../../contract/accounts.ts'
import { Problem } from '../platform/problem.ts'

const ownFields = ['host', 'port', 'user'] as const

/** @throws Problem for a change that the next start of the sandbox would undo, or that needs its server. */
export function refuseSandboxChange(change: AccountChange, isRunning: boolean): void {
  for (const part of ['imap', 'smtp'] as const) {
    const field = ownFields.find(name => change[part]?.[name] !== undefined)
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

/**
 * Reads the stored state of an account for a command beside the server: its last states and its index. A part of the
 * composition root.
 */
import { join } from 'node:path'
import type { EventOf } from '../contract/event.ts'
import type { AccountRow } from './accounts/account-tables.ts'
import { stateHistory } from './accounts/state-history.ts'
import type { Config } from './config.ts'
import { storedHistory, storedIndex, storedState } from './diagnose/account-checks.ts'
import { type Check, skipped } from './diagnose/check.ts'
import type { StateSign } from './events/account-states.ts'
import { EventStore } from './events/event-store.ts'
import { countIndexed } from './index/indexed-counts.ts'
import type { Database } from './platform/database/database.ts'

type StateChange = EventOf<'account_state_changed'>['data']

/** Upper bound of facts that are searched. */
const lookedThrough = 5_000

/** Returns the state changes of an account, newest first. */
export async function stateChanges(db: Database, accountId: string): Promise<StateChange[]> {
  const rows = await new EventStore(db).newestOf('account_state_changed', lookedThrough)
  return rows
    .map(({ data }) => JSON.parse(data) as StateChange)
    .filter(({ account_id, state }) => account_id === accountId && state !== undefined)
}

export async function storedChecks(config: Config, db: Database, account: AccountRow): Promise<Check[]> {
  const changes = await stateChanges(db, account.id)
  const [last] = changes
  const [index, starts] = await Promise.all([
    countIndexed(indexHomeOf(config), db, account.id),
    new EventStore(db).newestOf('server_started', lookedThrough),
  ])
  const signs: StateSign[] = [
    ...changes.map(data => ({ kind: 'changed' as const, data })),
    // Only the previous run itself knew when it was last alive.
    ...starts.map(({ data }) => ({
      kind: 'started' as const,
      at: (JSON.parse(data) as EventOf<'server_started'>['data']).at,
      seenAt: undefined,
    })),
  ].toSorted((one, other) => atOf(one).localeCompare(atOf(other)))
  const isEnabled = account.enabled === 1
  const state = storedState(last, isEnabled)
  if (!last)
    return [state, skipped('account', 'history', 'No change of its state is in the database.'), storedIndex(index)]
  const known = { state: last.state, state_since: last.at, last_error: last.last_error, created_at: account.created_at }
  return [state, storedIndex(index), storedHistory(stateHistory(signs, known, Date.now()))]
}

function atOf(sign: StateSign): string {
  return sign.kind === 'changed' ? sign.data.at : sign.at
}

function indexHomeOf({ databaseUrl, dataDir }: Config) {
  return databaseUrl.startsWith('sqlite:') ? { dir: join(dataDir, 'index') } : { postgresUrl: databaseUrl }
}

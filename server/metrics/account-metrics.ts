/** What Prometheus is told of mail accounts: how they fare, and their IMAP connections. */
import { Gauge, type Registry } from 'prom-client'
import type { AccountState } from '../../contract/accounts.ts'
import type { ImapReadings } from '../../contract/metrics.ts'
import type { Principal } from '../platform/principal.ts'

/** The IMAP connections of now; kept by `mail`, which stands above us. */
export interface OpenConnections {
  /** Of these accounts together, or of all. */
  totals(accounts: Principal['accounts']): ImapReadings
  /** Only accounts that have some. */
  openByAccount(): Iterable<readonly [accountId: string, open: number]>
}

/** How these accounts fare, or all. */
export interface AccountStates {
  countByState(accounts: Principal['accounts']): Readonly<Record<AccountState, number>>
  /** How many open IMAP connections the accounts of each state have. */
  connectionsByState(accounts: Principal['accounts']): Readonly<Record<AccountState, number>>
}

export interface AccountFigures {
  connections: Pick<OpenConnections, 'totals'>
  accounts: AccountStates
}

/** @param seen Counted over these accounts alone; nothing of any other moves a series. */
export function addAccountMetrics(
  registry: Registry,
  { connections, accounts }: AccountFigures,
  seen: Principal['accounts'],
): void {
  const { open, idle, busy, connecting, max } = connections.totals(seen)
  const add = (name: string, help: string, value: number) => new Gauge({ name, help, registers: [registry] }).set(value)
  const addByState = (name: string, help: string, label: string, counts: Readonly<Record<string, number>>) => {
    const gauge = new Gauge({ name, help, labelNames: [label], registers: [registry] })
    for (const [state, count] of Object.entries(counts)) gauge.set({ [label]: state }, count)
  }
  const doing = { watching: open - idle - busy, idle, busy, connecting }
  addByState('rustymail_imap_connections', 'IMAP connections by what they are doing', 'state', doing)
  add('rustymail_imap_connections_open', 'IMAP connections open', open)
  add('rustymail_imap_connections_max', 'Most IMAP connections at once, of the whole server', max)
  addByState(
    'rustymail_account_connections',
    'Open IMAP connections by the state of their account',
    'account_state',
    accounts.connectionsByState(seen),
  )
  addByState('rustymail_accounts', 'Mail accounts by state', 'state', accounts.countByState(seen))
}

/** Metrics of mail accounts, over those that a caller sees: their states and IMAP connections. */
import { Gauge, type Registry } from 'prom-client'
import { type AccountConnections, AccountState } from '../../contract/accounts.ts'
import type { ImapReadings } from '../../contract/metrics.ts'
import { type AccountRows, type Sight, visibleRows } from '../platform/visible-figures.ts'

type Connections = Pick<AccountConnections, 'open' | 'idle' | 'busy' | 'connecting'>

/** The current IMAP connections; provided by `imap`, which is on a higher floor. */
export interface OpenConnections {
  /** At least the accounts that have some. Watching connections are open, but neither idle nor busy. */
  byAccount: AccountRows<Connections>
  /** The limit of connections of the whole server: a setting. */
  max: number
}

export interface AccountFigures {
  connections: OpenConnections
  /** The state of each account. */
  accounts: { byAccount: AccountRows<{ state: AccountState; connections: Pick<Connections, 'open'> }> }
}

export function imapReadings(sight: Sight, { byAccount, max }: OpenConnections): ImapReadings {
  const sums = { open: 0, idle: 0, busy: 0, connecting: 0 }
  for (const { open, idle, busy, connecting } of visibleRows(sight, byAccount)) {
    sums.open += open
    sums.idle += idle
    sums.busy += busy
    sums.connecting += connecting
  }
  return { ...sums, max }
}

/** @param registry A registry for this scrape only. */
export function addAccountMetrics(registry: Registry, { connections, accounts }: AccountFigures, sight: Sight): void {
  const { open, idle, busy, connecting, max } = imapReadings(sight, connections)
  const add = (name: string, help: string, value: number) => new Gauge({ name, help, registers: [registry] }).set(value)
  const addByState = (name: string, help: string, label: string, counts: Readonly<Record<string, number>>) => {
    const gauge = new Gauge({ name, help, labelNames: [label], registers: [registry] })
    for (const [state, count] of Object.entries(counts)) gauge.set({ [label]: state }, count)
  }
  const doing = { watching: open - idle - busy, idle, busy, connecting }
  addByState('rustymail_imap_connections', 'IMAP connections by activity', 'state', doing)
  add('rustymail_imap_connections_open', 'IMAP connections open', open)
  add('rustymail_imap_connections_max', 'Maximum concurrent IMAP connections of the whole server', max)
  const fares = [...visibleRows(sight, accounts.byAccount)]
  const byState = (count: (row: (typeof fares)[number]) => number) =>
    Object.fromEntries(
      AccountState.options.map(state => {
        const those = fares.filter(row => row.state === state)
        return [state, those.reduce((sum, row) => sum + count(row), 0)]
      }),
    )
  const openHelp = 'Open IMAP connections by the state of their account'
  addByState(
    'rustymail_account_connections',
    openHelp,
    'account_state',
    byState(row => row.connections.open),
  )
  addByState(
    'rustymail_accounts',
    'Mail accounts by state',
    'state',
    byState(() => 1),
  )
}

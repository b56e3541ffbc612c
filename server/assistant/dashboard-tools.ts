/**
 * The dashboard as tools for the assistant: the state of server and accounts, clients, alerts, and where a person sees
 * them.
 */
import { z } from 'zod'
import { Citation } from '../../contract/answers.ts'
import type { ProblemCode } from '../../contract/problem.ts'
import type { AccountService } from '../accounts/account-service.ts'
import type { AlertService } from '../alerts/alert-service.ts'
import type { ClientService } from '../clients/client-service.ts'
import type { MetricsService } from '../metrics/metrics-service.ts'
import { defineTool, type Tool } from '../tools/tool.ts'

export interface DashboardToolsOptions {
  accounts: Pick<AccountService, 'list'>
  alerts: Pick<AlertService, 'list'>
  clients: Pick<ClientService, 'list'>
  metrics: Pick<MetricsService, 'getStats'>
}

const listed = 30
const hints: Partial<Record<ProblemCode, string>> = { forbidden: 'Tell the user which right they lack.' }
const Lines = z.object({ lines: z.array(z.string()), citations: z.array(Citation) })
const text = ({ lines }: z.infer<typeof Lines>) => lines.join('\n')
const shared = { effect: 'read', hints, output: Lines, text } as const

export function dashboardTools({ accounts, alerts, clients, metrics }: DashboardToolsOptions): Tool[] {
  const stats = defineTool({
    ...shared,
    name: 'stats',
    title: 'Figures now',
    description: 'Current requests, response times, CPU, memory, connections and storage of the server.',
    scope: 'dashboard:read',
    input: z.strictObject({}),
    run: ({ principal }) => {
      const now = metrics.getStats(principal)
      const { imap, response_time_ms: time, process: own, storage } = now
      const free = storage.free_bytes === null ? '' : `, ${gibibytes(storage.free_bytes)} GiB free`
      return {
        lines: [
          `At ${now.sampled_at}, up ${Math.round(now.uptime_seconds / 60)} min: ${requestRate(now.requests_per_minute)}, ${now.errors.failed_requests} failed in 60 s.`,
          `Response time p50 ${round(time.p50)} ms, p95 ${round(time.p95)} ms, p99 ${round(time.p99)} ms.`,
          `System CPU ${round(now.system_cpu_usage)} %, memory ${round(now.system_memory_usage)} %; this server ${round(own.cpu_percent)} % of one CPU, ${Math.round(own.rss_bytes / 2 ** 20)} MiB, event-loop delay ${round(own.event_loop_lag_ms)} ms.`,
          `IMAP connections: ${imap.open} open (${imap.busy} busy, ${imap.connecting} connecting), at most ${imap.max}. Event streams: ${now.active_sse_connections}.`,
          `Database ${storage.is_writable ? 'writable' : `not writable: ${storage.fault}`}${free}.`,
        ],
        citations: [cite('chart', 'Analytics', '/analytics', { range: '1h' })],
      }
    },
  })
  const accountList = defineTool({
    ...shared,
    name: 'accounts',
    title: 'Accounts',
    description:
      'Mail accounts with id, address, state, last error and connections. q: part of name, address or server.',
    scope: 'dashboard:read',
    input: z.strictObject({ q: z.string().max(200).optional() }),
    run: async ({ principal, input: { q } }) => {
      const found = (await accounts.list(principal)).filter(account => isMeant(account, q))
      const lines = found.slice(0, listed).map(account => {
        const { id, name, email, imap, state, state_since: since, last_error: error, connections } = account
        const why = error && state !== 'ready' ? `: ${error.cause}, ${error.detail.slice(0, 160)}` : ''
        return `${id} ${email}${name && name !== email ? ` (${name})` : ''} at ${imap.host}: ${state} since ${since}${why}; ${connections.open} connections, ${connections.waiting} requests wait`
      })
      return {
        lines: [`${found.length} accounts.`, ...lines],
        citations: found.slice(0, 10).map(({ id, email }) => cite('account', email, `/accounts/${id}`)),
      }
    },
  })
  const alertList = defineTool({
    ...shared,
    name: 'alerts',
    title: 'Alerts',
    description: 'Open alerts, or cleared ones.',
    scope: 'dashboard:read',
    input: z.strictObject({ state: z.enum(['open', 'cleared']).default('open') }),
    run: async ({ principal, input: { state } }) => {
      const { items } = await alerts.list(principal, { state, limit: listed })
      const lines = items.map(alert => {
        const quiet = alert.silenced_until ? `, silenced until ${alert.silenced_until}` : ''
        const end = alert.cleared_at ? ` to ${alert.cleared_at}` : ''
        return `${alert.severity} ${alert.state}: ${alert.name}: ${alert.words} (since ${alert.since}${end}${quiet})`
      })
      return {
        lines: lines.length > 0 ? lines : [`No ${state} alerts.`],
        citations: items.slice(0, 10).map(({ name }) => cite('alert', name, '/alerts')),
      }
    },
  })
  const clientList = defineTool({
    ...shared,
    name: 'clients',
    title: 'Clients',
    description:
      'Connected clients: principal, address, program, requests, event streams. filter: part of any of these.',
    scope: 'dashboard:read',
    input: z.strictObject({ filter: z.string().max(200).optional() }),
    run: ({ principal, input: { filter } }) => {
      const page = { page: 1, per_page: listed, sort: 'last_activity', order: 'desc' } as const
      const found = clients.list(principal, { ...page, ...(filter !== undefined && { filter }) })
      const lines = found.clients.map(
        each =>
          `${each.principal} from ${each.ip_address}, ${each.kind}, ${JSON.stringify(each.user_agent.slice(0, 60))}: ${each.request_count} requests, ${each.streams} streams, last ${each.last_activity}`,
      )
      return {
        lines: [`${found.total} clients, the last active first.`, ...lines],
        citations: [cite('client', 'Clients', '/clients', filter === undefined ? {} : { filter })],
      }
    },
  })
  const links = defineTool({
    ...shared,
    name: 'links',
    title: 'Link to a page',
    description: 'The URL of a page, for the answer: write it as a Markdown link. Other URLs are not linked.',
    scope: 'dashboard:read',
    input: z.strictObject({
      page: z.enum(['analytics', 'audit', 'accounts', 'alerts', 'clients', 'approvals', 'outbox', 'agents', 'system']),
      id: z
        .string()
        .regex(/^[\w-]{1,40}$/, 'is not an id')
        .optional()
        .describe('Of an account'),
      from: z.iso.datetime({ offset: true }).optional(),
      to: z.iso.datetime({ offset: true }).optional(),
    }),
    run: ({ input: { page, id, from, to } }) => {
      const path = page === 'accounts' && id !== undefined ? `/accounts/${id}` : `/${page}`
      const found = cite(kinds[page] ?? 'chart', page, path, { ...(from && { from }), ...(to && { to }) })
      return { lines: [found.href], citations: [found] }
    },
  })
  return [stats, accountList, alertList, clientList, links]
}

const kinds: Record<string, Citation['kind']> = {
  ...{ analytics: 'chart', audit: 'audit', accounts: 'account', alerts: 'alert', clients: 'client' },
  ...{ approvals: 'outbox', outbox: 'outbox', agents: 'client', system: 'chart' },
}

export function cite(
  kind: Citation['kind'],
  label: string,
  path: string,
  query: Record<string, string> = {},
): Citation {
  const search = new URLSearchParams(query).toString()
  return { kind, label: label.slice(0, 200), href: `${path}${search === '' ? '' : `?${search}`}`.slice(0, 1_000) }
}

export function isMeant(
  { id, name, email, imap }: { id: string; name: string; email: string; imap: { host: string } },
  words: string | undefined,
): boolean {
  if (words === undefined) return true
  const wanted = words.trim().toLowerCase()
  return id === words || [name, email, imap.host].some(each => each.toLowerCase().includes(wanted))
}

export function requestRate(perMinute: number): string {
  const count = round(perMinute)
  return `${count} ${count === '1' ? 'request' : 'requests'}/min`
}

export function round(value: number): string {
  return String(value >= 100 ? Math.round(value) : Number(value.toPrecision(3)))
}

function gibibytes(bytes: number): string {
  return round(bytes / 2 ** 30)
}

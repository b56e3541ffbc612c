/**
 * The past as tools for the assistant: series over time in a few numbers, and why an account is slow or fails, from
 * data alone.
 */

import { z } from 'zod'
import { Citation } from '../../contract/answers.ts'
import { lowerAscii } from '../../contract/ascii-case.ts'
import { HistoryLabel } from '../../contract/history.ts'
import { GivenTime } from '../../contract/wire.ts'
import type { AccountHealthService } from '../accounts/account-health-service.ts'
import type { AccountService } from '../accounts/account-service.ts'
import { stateHistory } from '../accounts/state-history.ts'
import type { AlertService } from '../alerts/alert-service.ts'
import type { EventHub } from '../events/event-hub.ts'
import type { HistoryService } from '../history/history-service.ts'
import type { Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import { defineTool, type Tool } from '../tools/tool.ts'
import { cite, isMeant } from './dashboard-tools.ts'
import { groupLines, latencyWords, markLines, pointWords, sumOf } from './history-words.ts'

export interface HistoryToolsOptions {
  history: Pick<HistoryService, 'get' | 'listSeries'>
  accounts: Pick<AccountService, 'list'>
  health: Pick<AccountHealthService, 'listErrors'>
  alerts: Pick<AlertService, 'list'>
  hub: Pick<EventHub, 'stateSigns'>
  now(): number
}

const mostGroups = 8
const Lines = z.object({ lines: z.array(z.string()), citations: z.array(Citation) })
const text = ({ lines }: z.infer<typeof Lines>) => lines.join('\n')
/** The names of the page's charts by series. */
const chartOf: Record<string, string> = {
  ...{ requests: 'requests', response_time: 'response-time', errors: 'errors' },
  ...{ imap_command_time: 'imap-time', imap_failures: 'imap-failures', imap_connections: 'imap-connections' },
}

export function historyTools(options: HistoryToolsOptions): Tool[] {
  const { history, accounts, health, alerts, hub, now } = options
  const metricsHistory = defineTool({
    name: 'metrics_history',
    title: 'Figures over time',
    description:
      'A series between two times, as its total and at most 16 points. Series: requests, response_time, operation_time, errors, calls, tokens, queue, ' +
      'imap_command_time, imap_failures, imap_connections, account_ready, mail_received, mail_sent, mail_failed, system_cpu, system_memory, process_memory, ' +
      'event_loop_delay, storage_free. group_by: account_id, cause, operation, code, principal, tool, outcome.',
    scope: 'dashboard:read',
    effect: 'read',
    hints: { bad_request: 'Take another series, or a label that it has.' },
    input: z.strictObject({
      series: z.string().min(1).max(60),
      from: GivenTime,
      to: GivenTime.optional(),
      group_by: HistoryLabel.optional(),
      account_id: z.string().min(1).max(40).optional(),
    }),
    output: Lines,
    text,
    run: async ({ principal, input }) => {
      const found = await history.get(principal, input)
      const groups = found.groups.slice(0, mostGroups)
      const rest = found.groups.length + found.groups_left_out - groups.length
      return {
        lines: [
          `${found.series} (${found.unit}, ${found.kind}), ${found.from} to ${found.to}`,
          ...groups.flatMap(({ label, total, points }) => groupLines(found, label, total, points)),
          ...(groups.length === 0 ? ['Nothing was recorded.'] : []),
          ...(rest > 0 ? [`${rest} more groups.`] : []),
          ...markLines(found),
        ],
        citations: [chartAt(found.series, found.from, found.to)],
      }
    },
  })
  const explain = defineTool({
    name: 'explain_account',
    title: 'Explain an account',
    description:
      'Why an account is slow or fails since a time: state, errors, durations compared with the previous period, failures by cause, and events. ' +
      'account: id, or part of its name, address or server.',
    scope: 'dashboard:read',
    effect: 'read',
    hints: { account_not_found: 'accounts lists them.' },
    input: z.strictObject({ account: z.string().min(1).max(200), since: GivenTime }),
    output: Lines,
    text,
    run: async ({ principal, input: { account: named, since }, note }) => {
      const account = await meant(accounts, principal, named)
      const { id } = account
      note({ account_id: id })
      const to = now()
      const from = Math.min(Date.parse(since), to - 60_000)
      const range = (begin: number, end: number) => ({
        ...{ account_id: id, from: new Date(begin).toISOString(), to: new Date(end).toISOString() },
      })
      const before = 2 * from - to
      const [time, timeBefore, failures, errors, open] = await Promise.all([
        history.get(principal, { series: 'imap_command_time', ...range(from, to) }),
        history.get(principal, { series: 'imap_command_time', ...range(before, from) }),
        history.get(principal, { series: 'imap_failures', group_by: 'cause', ...range(from, to) }),
        health.listErrors(principal, id),
        alerts.list(principal, { state: 'open', limit: 100 }),
      ])
      const states = stateHistory(hub.stateSigns(id), account, to).items.filter(
        ({ from: begin }, place, all) => (all[place + 1]?.from ?? '9') > new Date(from).toISOString() && begin !== '',
      )
      const { connections, state, state_since: stateSince, last_error: lastError, note: hint } = account
      const limit = connections.server_limit === null ? '' : `, the server allows ${connections.server_limit}`
      return {
        lines: [
          `${id} ${account.email} at ${account.imap.host}: ${state} since ${stateSince}.`,
          ...(lastError ? [`Last error ${lastError.at}: ${lastError.cause}: ${lastError.detail.slice(0, 300)}`] : []),
          `Connections: ${connections.open} open, ${connections.busy} busy, at most ${connections.max}${limit}; ${connections.waiting} requests wait.`,
          ...(hint === null ? [] : [hint]),
          `Work on IMAP connections since ${time.from}: ${latencyWords(time)}. As long before: ${latencyWords(timeBefore)}.`,
          ...time.groups.slice(0, 1).map(({ points }) => `p95 over time: ${pointWords(time, points)}`),
          failures.groups.length === 0
            ? 'No failed connections.'
            : `Failed connections: ${failures.groups
                .slice(0, mostGroups)
                .map(({ label, total }) => `${label} ${sumOf(total)}`)
                .join(', ')}.`,
          ...states
            .slice(-6)
            .map(each => `State ${each.state} from ${each.from}${each.error ? `: ${each.error.cause}` : ''}`),
          ...errors
            .filter(({ at }) => Date.parse(at) >= from)
            .slice(0, 4)
            .map(each => `Error ${each.at}: ${JSON.stringify(each).slice(0, 240)}`),
          ...open.items.filter(each => each.account_id === id).map(each => `Alert: ${each.name}: ${each.words}`),
          ...markLines(time),
        ],
        citations: [
          cite('account', account.email, `/accounts/${id}`),
          chartAt('imap_command_time', time.from, time.to),
          chartAt('imap_failures', time.from, time.to),
          cite('account', 'Diagnosis', `/accounts/${id}/diagnose`),
        ],
      }
    },
  })
  return [metricsHistory, explain]
}

async function meant(accounts: Pick<AccountService, 'list'>, principal: Principal, words: string) {
  const seen = await accounts.list(principal)
  const exact = seen.find(({ id, email }) => id === words || lowerAscii(email) === lowerAscii(words))
  const found = exact ? [exact] : seen.filter(account => isMeant(account, words))
  const [first, ...others] = found
  if (!first) throw new Problem('account_not_found', 'No account has this name.')
  if (others.length === 0) return first
  const names = found.slice(0, 10).map(({ id, email }) => `${id} ${email}`)
  throw new Problem('bad_request', `account: may be ${names.join(', ')}`)
}

function chartAt(series: string, from: string, to: string): Citation {
  const chart = chartOf[series]
  return cite('chart', series.replaceAll('_', ' '), '/analytics', { from, to, ...(chart && { chart }), charts: 'all' })
}

/** Callers and slow operations in the shown range, with links to the audit trail. */
import { useQuery } from '@tanstack/react-query'
import { Link } from 'wouter'
import type { History } from '../../contract/history.ts'
import { api } from '../../contract/index.ts'
import { call } from '../platform/api-client.ts'
import { formatNumber } from '../platform/format.ts'
import { operationWords } from '../platform/operation-words.ts'
import { queryKeys } from '../platform/query-keys.ts'
import { useMay } from '../platform/session.ts'
import { Panel } from '../ui/panel.tsx'
import { Cell, ColumnHead, Table, TableHead, TableRow } from '../ui/table.tsx'
import { formatMs } from './chart-list.ts'
import { coarseStepFor, isoOf, type TimeWindow } from './time-range.ts'
import { auditLink, callersOf, namesOfPrincipals, slowestOf } from './usage.ts'

const askEveryMs = 60_000

function useTotals(series: string, groupBy: 'principal' | 'operation', window: TimeWindow) {
  const { step, seconds } = coarseStepFor(window, Math.floor(Date.now() / 1000))
  const length = Math.round(window.to - window.from)
  const place = window.isLive ? [`last ${length}`] : [`${window.from}`, `${window.to}`]
  return useQuery({
    queryKey: queryKeys.history(series, [groupBy, step, 'total', ...place]),
    queryFn: ({ signal }): Promise<History> => {
      const to = window.isLive ? Math.floor(Date.now() / 1000) : window.to
      // Aligned inside the range: a step that starts earlier would include what happened before.
      const from = Math.ceil((to - length) / seconds) * seconds
      const times = { from: isoOf(Math.min(from, to - 1)), ...(window.isLive ? {} : { to: isoOf(to) }) }
      return call(api.history.getHistory, { query: { series, group_by: groupBy, step, lines: 0, ...times }, signal })
    },
    refetchInterval: window.isLive ? askEveryMs : false,
    staleTime: askEveryMs,
    gcTime: askEveryMs,
  })
}

const mostRows = 12

export function WhoUsedIt({ window, hasTokens }: { window: TimeWindow; hasTokens: boolean }) {
  const calls = useTotals('calls', 'principal', window)
  const tokens = useTotals('tokens', 'principal', window)
  const names = useNames()
  const mayAudit = useMay('dashboard:admin')
  return (
    <Panel
      title="Who used it"
      query={calls}
      isEmpty={({ groups }) => groups.every(({ total }) => total.sum[0] === 0)}
      empty={<p className="p-4 text-sm text-muted">No authenticated callers in this time.</p>}
    >
      {history => (
        <Table label="Callers">
          <TableHead>
            <ColumnHead>Caller</ColumnHead>
            <ColumnHead align="right">Calls</ColumnHead>
            {hasTokens && <ColumnHead align="right">Tokens, estimated</ColumnHead>}
          </TableHead>
          <tbody>
            {callersOf(history, tokens.data, names)
              .slice(0, mostRows)
              .map(({ principal, name, calls: count, tokens: estimated }) => (
                <TableRow key={principal}>
                  <Cell>
                    {mayAudit ? (
                      <Link href={auditLink({ principal }, window)} className={linkLook}>
                        <bdi>{name}</bdi>
                      </Link>
                    ) : (
                      <bdi>{name}</bdi>
                    )}
                  </Cell>
                  <Cell label="Calls" align="right">
                    {formatNumber(count)}
                  </Cell>
                  {hasTokens && (
                    <Cell label="Tokens" align="right">
                      {estimated === undefined ? '–' : formatNumber(estimated)}
                    </Cell>
                  )}
                </TableRow>
              ))}
          </tbody>
        </Table>
      )}
    </Panel>
  )
}

export function WhatWasSlow({ window }: { window: TimeWindow }) {
  const times = useTotals('operation_time', 'operation', window)
  const mayAudit = useMay('dashboard:admin')
  return (
    <Panel
      title="What was slow"
      query={times}
      isEmpty={({ groups }) => groups.length === 0}
      empty={<p className="p-4 text-sm text-muted">No requests in this time.</p>}
    >
      {history => (
        <Table label="Operations">
          <TableHead>
            <ColumnHead>Operation</ColumnHead>
            <ColumnHead align="right">p95</ColumnHead>
            <ColumnHead align="right">Longest</ColumnHead>
            <ColumnHead align="right">Count</ColumnHead>
          </TableHead>
          <tbody>
            {slowestOf(history)
              .slice(0, mostRows)
              .map(({ operation, p95, longest, count }) => (
                <TableRow key={operation}>
                  <Cell>
                    {mayAudit ? (
                      <Link href={auditLink({ operation }, window)} className={linkLook} title={operation}>
                        {operationWords(operation)}
                      </Link>
                    ) : (
                      <span title={operation}>{operationWords(operation)}</span>
                    )}
                  </Cell>
                  <Cell label="p95" align="right" className="whitespace-nowrap">
                    {formatMs(p95)}
                  </Cell>
                  <Cell label="Longest" align="right" className="whitespace-nowrap">
                    {formatMs(longest)}
                  </Cell>
                  <Cell label="Count" align="right">
                    {formatNumber(count)}
                  </Cell>
                </TableRow>
              ))}
          </tbody>
        </Table>
      )}
    </Panel>
  )
}

const linkLook = 'text-accent underline-offset-2 hover:underline'

/** Returns names of visible tokens and sessions; others are shown by id. */
function useNames(): ReadonlyMap<string, string> {
  const isAdmin = useMay('dashboard:admin')
  const tokens = useQuery({
    queryKey: queryKeys.tokens,
    queryFn: ({ signal }) => call(api.tokens.listTokens, { signal }),
  })
  const sessions = useQuery({
    queryKey: queryKeys.sessions,
    queryFn: ({ signal }) => call(api.access.listSessions, { signal }),
    enabled: isAdmin,
  })
  return namesOfPrincipals(tokens.data?.items ?? [], sessions.data?.items ?? [])
}

/** Alerts and rules, and actions on them. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { type AlertRule, type AlertRuleBody, alertsApi } from '../../contract/alerts.ts'
import { type HistoryLabel, historyApi } from '../../contract/history.ts'
import { call } from '../platform/api-client.ts'
import { queryKeys } from '../platform/query-keys.ts'
import { useMay, useSession } from '../platform/session.ts'

type HistoryLabelName = (typeof HistoryLabel)['options'][number]

/** Poll interval in milliseconds, because values change without a fact. */
export const alertsIntervalMs = 30_000

export function useAlerts(state: 'open' | 'cleared') {
  return useQuery({
    queryKey: [...queryKeys.alerts, state],
    queryFn: ({ signal }) => call(alertsApi.listAlerts, { query: { state, limit: '50' }, signal }),
    refetchInterval: alertsIntervalMs,
  })
}

export function useAlertRules() {
  return useQuery({
    queryKey: [...queryKeys.alerts, 'rules'],
    queryFn: ({ signal }) => call(alertsApi.listAlertRules, { signal }),
  })
}

export function useAcknowledge(alertId: string) {
  return useAlertChange(() => call(alertsApi.acknowledgeAlert, { params: { alert_id: alertId } }))
}

export function useSilence(alertId: string) {
  return useAlertChange((seconds: number) =>
    call(alertsApi.silenceAlert, { params: { alert_id: alertId }, body: { seconds } }),
  )
}

export function useSwitchRule(rule: AlertRule) {
  return useAlertChange((enabled: boolean) =>
    call(alertsApi.changeAlertRule, { params: { rule_id: rule.id }, body: { ...bodyOf(rule), enabled } }),
  )
}

export function useSaveRule(ruleId: string | undefined) {
  return useAlertChange((body: AlertRuleBody) =>
    ruleId === undefined
      ? call(alertsApi.createAlertRule, { body })
      : call(alertsApi.changeAlertRule, { params: { rule_id: ruleId }, body }),
  )
}

export function useDeleteRule(ruleId: string) {
  return useAlertChange(() => call(alertsApi.deleteAlertRule, { params: { rule_id: ruleId } }))
}

export function useResetRule(ruleId: string) {
  return useAlertChange(() => call(alertsApi.resetAlertRule, { params: { rule_id: ruleId } }))
}

/** Returns whether the user may change rules, which watch all accounts: only administrators who see each of them. */
export function useMayChangeRules(): boolean {
  const { accounts } = useSession().principal
  return useMay('dashboard:admin') && accounts === 'all'
}

/** Returns the series that the caller may see. */
export function useSeries() {
  return useQuery({
    queryKey: queryKeys.historySeries,
    queryFn: ({ signal }) => call(historyApi.listHistorySeries, { signal }),
    staleTime: Number.POSITIVE_INFINITY,
  })
}

/** Returns the values that a label had in the last days, most frequent first. */
export function useLabelValues(series: string, label: HistoryLabelName, isEnabled: boolean) {
  return useQuery({
    queryKey: queryKeys.history(series, ['labels', label]),
    queryFn: async ({ signal }) => {
      const from = new Date(Date.now() - 7 * 86_400_000).toISOString()
      const query = { series, group_by: label, step: '1d', from, lines: 0 } as const
      const { groups } = await call(historyApi.getHistory, { query, signal })
      return groups.flatMap(group => (group.label ? [group.label] : []))
    },
    enabled: isEnabled,
    staleTime: 10 * 60_000,
  })
}

export function bodyOf(rule: AlertRule): AlertRuleBody {
  const { id: _, is_starter: __, is_changed: ___, words: ____, changed_at: _____, changed_by: ______, ...body } = rule
  return body
}

function useAlertChange<Value>(change: (value: Value) => Promise<unknown>) {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: change,
    onSettled: () => queries.invalidateQueries({ queryKey: queryKeys.alerts }),
  })
}

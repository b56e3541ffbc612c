/** Alerts and rules, and what is done with them. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { type AlertRule, alertsApi } from '../../contract/alerts.ts'
import { call } from '../platform/api-client.ts'
import { queryKeys } from '../platform/query-keys.ts'

/** Values change without a fact. */
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

/** @param days Back from now. */
export function useBackTest(rule: AlertRule, days: number) {
  return useQuery({
    queryKey: ['back-test', rule.id, rule.changed_at, days],
    queryFn: ({ signal }) => {
      const from = new Date(Date.now() - days * 86_400_000).toISOString()
      return call(alertsApi.backTestRule, { body: { rule: bodyOf(rule), from }, signal })
    },
  })
}

function bodyOf({ id: _, is_starter: __, words: ___, changed_at: ____, changed_by: _____, ...body }: AlertRule) {
  return body
}

function useAlertChange<Value>(change: (value: Value) => Promise<unknown>) {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: change,
    onSettled: () => queries.invalidateQueries({ queryKey: queryKeys.alerts }),
  })
}

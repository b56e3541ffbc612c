/** Back-tests a rule, also while it is edited, debounced. */
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { type AlertRuleBody, alertsApi } from '../../contract/alerts.ts'
import { call } from '../platform/api-client.ts'

export const triedDays = [1, 7, 30] as const
const stillMs = 500

/** @param days Length of the range up to now. */
export function useBackTest(rule: AlertRuleBody | undefined, days: number) {
  const asked = useSettled(rule && JSON.stringify(triedRule(rule)))
  const query = useQuery({
    queryKey: ['back-test', asked, days],
    queryFn: async ({ signal }) => {
      const tried = JSON.parse(asked!) as AlertRuleBody
      const from = new Date(Date.now() - days * 86_400_000).toISOString()
      const data = await call(alertsApi.backTestRule, { body: { rule: tried, from }, signal })
      return { tried, data }
    },
    enabled: asked !== undefined,
    placeholderData: keepPreviousData,
    staleTime: 60_000,
    gcTime: 60_000,
    retry: false,
  })
  const { data, error, refetch } = query
  return {
    ...{ data: data?.data, tried: data?.tried, error, refetch },
    /** Whether the result belongs to an earlier version of the rule. */
    isStale: query.isPlaceholderData || !rule || JSON.stringify(triedRule(rule)) !== asked,
  }
}

/** Returns the parts of a rule that its past depends on. */
function triedRule(rule: AlertRuleBody): AlertRuleBody {
  return { ...rule, name: 'Tried', enabled: true, severity: 'info', quiet_hours: null }
}

/** Debounces a value; the first one is returned immediately. */
function useSettled(value: string | undefined): string | undefined {
  const [settled, setSettled] = useState(value)
  useEffect(() => {
    if (value === undefined || value === settled) return
    const timer = setTimeout(() => setSettled(value), settled === undefined ? 0 : stillMs)
    return () => clearTimeout(timer)
  }, [value, settled])
  return settled
}

/** Tries a rule on the past, also one that is being written: once it has not changed for a moment. */
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { type AlertRuleBody, alertsApi } from '../../contract/alerts.ts'
import { call } from '../platform/api-client.ts'

export const triedDays = [1, 7, 30] as const
const stillMs = 500

/** @param days Back from now. */
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
    /** What is shown is of the rule before. */
    isStale: query.isPlaceholderData || !rule || JSON.stringify(triedRule(rule)) !== asked,
  }
}

/** What the past depends on. */
function triedRule(rule: AlertRuleBody): AlertRuleBody {
  return { ...rule, name: 'Tried', enabled: true, severity: 'info', quiet_hours: null }
}

/** The first at once, later ones when they have stood for a moment. */
function useSettled(value: string | undefined): string | undefined {
  const [settled, setSettled] = useState(value)
  useEffect(() => {
    if (value === undefined || value === settled) return
    const timer = setTimeout(() => setSettled(value), settled === undefined ? 0 : stillMs)
    return () => clearTimeout(timer)
  }, [value, settled])
  return settled
}

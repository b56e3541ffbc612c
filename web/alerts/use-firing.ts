/** The firing alerts that need attention, kept fresh by facts. */
import { useQuery } from '@tanstack/react-query'
import { type Alert, alertsApi } from '../../contract/alerts.ts'
import { call } from '../platform/api-client.ts'
import { queryKeys } from '../platform/query-keys.ts'
import { useMay } from '../platform/session.ts'

/** Returns the alerts without those that are silenced, quiet or informational. */
export function useFiring(): Alert[] {
  const mayLook = useMay('dashboard:read')
  const { data } = useQuery({
    queryKey: [...queryKeys.alerts, 'firing'],
    queryFn: ({ signal }) => call(alertsApi.listAlerts, { query: { state: 'firing', limit: '100' }, signal }),
    enabled: mayLook,
  })
  return (data?.items ?? []).filter(
    ({ severity, is_quiet: isQuiet, silenced_until: silenced }) => severity !== 'info' && !isQuiet && !silenced,
  )
}

/** Runs a diagnosis when its page is opened or on request; never automatically, because it connects to the servers. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { CheckId, CheckState, DiagnosisPart } from '../../contract/diagnose.ts'
import { api } from '../../contract/index.ts'
import { call } from '../platform/api-client.ts'
import { queryKeys } from '../platform/query-keys.ts'
import type { Tone } from '../ui/tone.ts'

export function useDiagnosis(accountId: string) {
  const queries = useQueryClient()
  const params = { account_id: accountId }
  const diagnosis = useQuery({
    queryKey: queryKeys.diagnosis(accountId),
    queryFn: ({ signal }) => call(api.diagnose.diagnoseAccount, { params, query: { retry_login: 'false' }, signal }),
    staleTime: Number.POSITIVE_INFINITY,
    refetchOnWindowFocus: false,
    refetchOnReconnect: false,
    retry: false,
  })
  const retry = useMutation({
    mutationFn: () => call(api.diagnose.diagnoseAccount, { params, query: { retry_login: 'true' } }),
    onSuccess: made => queries.setQueryData(queryKeys.diagnosis(accountId), made),
  })
  const report = useMutation({
    mutationFn: () => call(api.diagnose.getDiagnosisReport, { params }),
    onSuccess: ({ file_name, text }) => save(file_name, text),
  })
  return { diagnosis, retry, report }
}

function save(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'text/plain' }))
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  URL.revokeObjectURL(url)
}

export const toneOfCheck: Record<CheckState, Tone> = { ok: 'good', warning: 'warn', failed: 'bad', skipped: 'unknown' }

export const stateWordsOfCheck: Record<CheckState, string> = {
  ok: 'OK',
  warning: 'Warning',
  failed: 'Failed',
  skipped: 'Skipped',
}

export const partWords: Record<DiagnosisPart, string> = {
  imap: 'Incoming (IMAP)',
  smtp: 'Outgoing (SMTP)',
  account: 'This server',
}

export const checkWords: Record<CheckId, string> = {
  dns: 'Name',
  port: 'Port',
  tls: 'TLS and certificate',
  greeting: 'Greeting',
  starttls: 'STARTTLS',
  login_methods: 'Login methods',
  login: 'Login',
  quota: 'Quota',
  folders: 'Folders',
  capabilities: 'Extensions',
  clock: 'Clock',
  state: 'State',
  index: 'Index',
  connections: 'Connections',
  history: 'Last 24 hours',
}

/** Webhooks, and actions on them. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { FactType } from '../../contract/event.ts'
import { api } from '../../contract/index.ts'
import { call } from '../platform/api-client.ts'
import { useLiveStatus } from '../platform/live.tsx'
import { queryKeys } from '../platform/query-keys.ts'
import { useToast } from '../ui/toast.tsx'
import { faultWords } from './fault-words.ts'

/** Poll interval in milliseconds, because no event reports deliveries. */
export const webhooksIntervalMs = 5_000

export function useWebhooks() {
  const { state } = useLiveStatus()
  return useQuery({
    queryKey: queryKeys.webhooks,
    queryFn: ({ signal }) => call(api.webhooks.listWebhooks, { signal }),
    refetchInterval: ({ state: { error } }) => state === 'live' && !error && webhooksIntervalMs,
  })
}

export function useDeliveries(webhookId: string) {
  const { state } = useLiveStatus()
  return useQuery({
    queryKey: queryKeys.webhookDeliveries(webhookId),
    queryFn: ({ signal }) => call(api.webhooks.listWebhookDeliveries, { params: { webhook_id: webhookId }, signal }),
    refetchInterval: ({ state: { error } }) => state === 'live' && !error && webhooksIntervalMs,
  })
}

export interface WebhookWish {
  name: string
  url: string
  token_id: string
  types: FactType[]
  accounts: string[]
  query: string | null
  order: 'endpoint' | 'account'
}

export function useCreateWebhook() {
  const changed = useWebhooksChanged()
  return useMutation({
    mutationFn: (body: WebhookWish) => call(api.webhooks.createWebhook, { body }),
    // The response contains the secret, so it is not cached.
    gcTime: 0,
    onSuccess: changed,
  })
}

export function useRotateWebhook(webhookId: string) {
  const changed = useWebhooksChanged()
  return useMutation({
    mutationFn: () =>
      call(api.webhooks.rotateWebhookSecret, { params: { webhook_id: webhookId }, body: { keep_minutes: 24 * 60 } }),
    gcTime: 0,
    onSuccess: changed,
  })
}

export type WebhookAction = 'enable' | 'disable' | 'test' | 'delete' | 'replay' | 'order'

interface Wish {
  deed: WebhookAction
  id: string
  from?: string
  order?: WebhookWish['order']
}

/** @returns The response of a test; undefined for other actions. */
export function useWebhookAction() {
  const changed = useWebhooksChanged()
  const toast = useToast()
  return useMutation({
    mutationFn: async ({ deed, id, from, order }: Wish) => {
      const params = { webhook_id: id }
      if (deed === 'order') await call(api.webhooks.changeWebhook, { params, body: { order } })
      if (deed === 'enable') await call(api.webhooks.enableWebhook, { params })
      if (deed === 'disable') await call(api.webhooks.disableWebhook, { params })
      if (deed === 'delete') await call(api.webhooks.deleteWebhook, { params })
      if (deed === 'replay') await call(api.webhooks.replayWebhook, { params, body: { from } })
      return deed === 'test' ? call(api.webhooks.testWebhook, { params }) : undefined
    },
    // A test waits up to ten seconds for an endpoint, so a toast shows that it is in progress.
    onMutate: ({ deed, id }) => {
      if (deed === 'test') toast({ id: `test ${id}`, tone: 'busy', title: 'Testing …' })
    },
    onSuccess: async (tested, { id }) => {
      if (tested) {
        const { outcome, fault, response, duration_ms: ms } = tested
        const detail = `${response ? `Status ${response.status}` : faultWords(fault)}, ${ms} ms`
        const isTaken = outcome === 'delivered'
        const title = isTaken ? 'Test delivered' : 'Test failed'
        toast({ id: `test ${id}`, tone: isTaken ? 'good' : 'bad', title, detail })
      }
      await changed()
    },
    onError: (error, { deed, id }) =>
      toast({ id: `${deed} ${id}`, tone: 'bad', title: 'Failed', detail: error.message }),
  })
}

function useWebhooksChanged(): () => Promise<unknown> {
  const queries = useQueryClient()
  return () => queries.invalidateQueries({ queryKey: queryKeys.webhooks })
}

/** The assistant's settings, and how to change them. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { AssistantSettings } from '../../contract/assistant-settings.ts'
import { api } from '../../contract/index.ts'
import type { AssistantProvider, ProviderBody } from '../../contract/model-provider.ts'
import { call } from '../platform/api-client.ts'
import { queryKeys } from '../platform/query-keys.ts'
import { useToast } from '../ui/toast.tsx'

/** Poll interval in milliseconds, because no event announces that a provider is skipped. */
export const settingsIntervalMs = 15_000

export function useAssistantSettings() {
  return useQuery({
    queryKey: queryKeys.assistantSettings,
    queryFn: ({ signal }) => call(api.assistantSettings.getAssistantSettings, { signal }),
    refetchInterval: settingsIntervalMs,
  })
}

export type SettingsChange = { order?: string[] } & Partial<Pick<AssistantSettings, 'limits' | 'shares'>>

/** Changes settings; a new order is shown while it is being saved. */
export function useChangeSettings() {
  const queries = useQueryClient()
  const toast = useToast()
  return useMutation({
    mutationFn: (body: SettingsChange) => call(api.assistantSettings.updateAssistantSettings, { body }),
    onMutate: async ({ order }) => {
      await queries.cancelQueries({ queryKey: queryKeys.assistantSettings })
      const before = queries.getQueryData<AssistantSettings>(queryKeys.assistantSettings)
      if (before && order) {
        const providers = before.providers.toSorted((one, other) => order.indexOf(one.id) - order.indexOf(other.id))
        queries.setQueryData(queryKeys.assistantSettings, { ...before, providers })
      }
      return before
    },
    onSuccess: (saved, { limits }) => {
      queries.setQueryData(queryKeys.assistantSettings, saved)
      if (limits) toast({ tone: 'good', title: 'Limits saved' })
    },
    onError: (error, _change, before) => {
      queries.setQueryData(queryKeys.assistantSettings, before)
      toast({ tone: 'bad', title: 'Not saved', detail: error.message })
    },
  })
}

export type ProviderWish = ProviderBody

export function useSaveProvider(id: string | undefined) {
  const changed = useChanged()
  return useMutation({
    mutationFn: (body: ProviderWish) =>
      id === undefined
        ? call(api.assistantSettings.createProvider, { body })
        : call(api.assistantSettings.updateProvider, { params: { provider_id: id }, body }),
    // The request may contain an API key, so it is not cached.
    gcTime: 0,
    onSuccess: changed,
  })
}

export function useDeleteProvider({ id }: AssistantProvider) {
  const changed = useChanged()
  return useMutation({
    mutationFn: () => call(api.assistantSettings.deleteProvider, { params: { provider_id: id } }),
    onSuccess: changed,
  })
}

/** Tests a provider as entered, with the stored key if none was entered. */
export function useTryProvider(id: string | undefined) {
  return useMutation({
    mutationFn: (provider: ProviderWish) =>
      call(api.assistantSettings.testProvider, {
        body: id === undefined ? { provider } : { provider_id: id, provider },
      }),
    gcTime: 0,
  })
}

export function useListModels(id: string | undefined) {
  return useMutation({
    mutationFn: (provider: ProviderWish) =>
      call(api.assistantSettings.listModels, { body: id === undefined ? { provider } : { provider_id: id, provider } }),
    gcTime: 0,
  })
}

function useChanged() {
  const queries = useQueryClient()
  return () =>
    Promise.all([
      queries.invalidateQueries({ queryKey: queryKeys.assistantSettings }),
      queries.invalidateQueries({ queryKey: queryKeys.providers }),
    ])
}

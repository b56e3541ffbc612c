/** The server's configuration, edits on top of it, and concurrent changes. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { api } from '../../contract/index.ts'
import type { ImapConfiguration, ImapConfigurationChange } from '../../contract/settings.ts'
import { ApiProblem, call } from '../platform/api-client.ts'
import { queryKeys } from '../platform/query-keys.ts'
import { useToast } from '../ui/toast.tsx'
import {
  configOf,
  differencesOf,
  type Edits,
  faultsOf,
  foreignChanges,
  touchesServer,
  withoutIdle,
} from './configuration-draft.ts'
import { allFields, type FieldName } from './configuration-fields.ts'

/** Loads the configuration of the default account; without one there is nothing to load. */
export function useConfiguration(isAsked = true) {
  return useQuery({
    enabled: isAsked,
    queryKey: queryKeys.config,
    queryFn: ({ signal }) => call(api.settings.getConfig, { signal }),
  })
}

export function useDefaultAccount() {
  const accounts = useQuery({
    queryKey: queryKeys.accounts,
    queryFn: ({ signal }) => call(api.accounts.listAccounts, { signal }),
  })
  return accounts.data?.items.find(account => account.is_default)
}

/** @param config The server's current configuration, which may change at any time. */
export function useConfigurationForm(config: ImapConfiguration) {
  const queries = useQueryClient()
  const toast = useToast()
  const [edits, setEdits] = useState<Edits>({})
  const [seen, setSeen] = useState(config)
  const [mayShowFaults, setMayShowFaults] = useState(false)
  const [verify, setVerify] = useState(true)
  const [password, setPassword] = useState('')
  // Without edits, a change elsewhere cannot conflict.
  if (seen !== config && Object.keys(edits).length === 0) setSeen(config)

  const saving = useMutation({
    mutationFn: (body: ImapConfigurationChange) =>
      call(api.settings.updateConfig, { body, query: { verify: verify ? 'true' : 'false' } }),
    onSuccess: async (saved, { password: _given, ...wanted }) => {
      queries.setQueryData(queryKeys.config, saved)
      // Input made while saving remains an edit.
      setEdits(now => withoutIdle(saved, withoutIdle(wanted, now)))
      setSeen(saved)
      setPassword('')
      setMayShowFaults(false)
      toast({ tone: 'good', title: 'Configuration applied', detail: 'Takes effect immediately; no restart needed.' })
      await queries.invalidateQueries({ queryKey: queryKeys.accounts })
    },
  })
  const differences = differencesOf(config, edits)
  const faults = faultsOf(config, edits)
  const movesServer = differences.some(({ name }) => name === 'server_address' || name === 'port')
  return {
    edits,
    differences,
    saving,
    verify,
    setVerify,
    needsTrial: touchesServer(differences),
    movesServer,
    password,
    setPassword,
    passwordFault: movesServer ? serverFault(saving.error, 'password') : undefined,
    foreign: foreignChanges(seen, config, edits),
    /** Returns the error of a field: from validation, and after submit also from the server. */
    faultOf: (name: FieldName) =>
      (edits[name] !== undefined || mayShowFaults ? faults[name] : undefined) ?? serverFault(saving.error, name),
    edit: (change: Edits) => setEdits(before => withoutIdle(config, { ...before, ...change })),
    acknowledge: () => setSeen(config),
    discard() {
      setEdits({})
      setPassword('')
      setMayShowFaults(false)
      saving.reset()
    },
    /** Applies the edits; returns the first invalid field, to be focused. */
    apply(): FieldName | undefined {
      const faulty = allFields.find(({ name }) => faults[name])?.name
      setMayShowFaults(true)
      const given = movesServer && password !== '' ? { password } : {}
      if (!faulty && differences.length > 0) saving.mutate({ ...configOf(config, edits), ...given })
      return faulty
    },
  }
}

function serverFault(error: Error | null, name: FieldName | 'password'): string | undefined {
  return error instanceof ApiProblem ? error.faultOf(`body.${name}`) : undefined
}

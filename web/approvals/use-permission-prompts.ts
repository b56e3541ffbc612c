/** Pending permission prompts of agents; apart from their view, because every page counts them. */
import { useQuery } from '@tanstack/react-query'
import { permissionPromptsApi } from '../../contract/permission-prompts.ts'
import { call } from '../platform/api-client.ts'
import { queryKeys } from '../platform/query-keys.ts'
import { useMay } from '../platform/session.ts'

/** Returns the prompts, kept fresh by states of the stream. */
export function usePermissionPrompts() {
  const maySee = useMay('mail:draft')
  return useQuery({
    queryKey: queryKeys.permissionPrompts,
    queryFn: ({ signal }) => call(permissionPromptsApi.listPermissionPrompts, { signal }),
    enabled: maySee,
  })
}

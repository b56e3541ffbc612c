/** Permission prompts of agents that wait; apart from how they are shown, since every page counts them. */
import { useQuery } from '@tanstack/react-query'
import { permissionPromptsApi } from '../../contract/permission-prompts.ts'
import { call } from '../platform/api-client.ts'
import { queryKeys } from '../platform/query-keys.ts'
import { useMay } from '../platform/session.ts'

/** States of the stream keep them current. */
export function usePermissionPrompts() {
  const maySee = useMay('mail:draft')
  return useQuery({
    queryKey: queryKeys.permissionPrompts,
    queryFn: ({ signal }) => call(permissionPromptsApi.listPermissionPrompts, { signal }),
    enabled: maySee,
  })
}

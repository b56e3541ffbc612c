/** A pending connection request, and the user's decision, after which the browser returns to the client. */
import { useMutation, useQuery } from '@tanstack/react-query'
import { type ConnectionPreset, mcpAuthApi } from '../../contract/mcp-auth.ts'
import { call } from '../platform/api-client.ts'
import { queryKeys } from '../platform/query-keys.ts'

export interface Decision {
  name: string
  preset: ConnectionPreset
  proposes: boolean
  accounts: string[]
  expires_at: string
}

export function useConnectionRequest(requestId: string) {
  const params = { request_id: requestId }
  return useQuery({
    queryKey: queryKeys.connectionRequest(requestId),
    queryFn: ({ signal }) => call(mcpAuthApi.getConnectionRequest, { params, signal }),
    gcTime: 0,
    // A request that was decided or has expired stays so.
    retry: false,
  })
}

export function useDecision(requestId: string) {
  const params = { request_id: requestId }
  return useMutation({
    mutationFn: (decision: Decision | 'deny') =>
      decision === 'deny'
        ? call(mcpAuthApi.denyConnection, { params })
        : call(mcpAuthApi.approveConnection, { params, body: decision }),
    // The redirect leaves this app.
    onSuccess: ({ redirect_to }) => location.assign(redirect_to),
  })
}

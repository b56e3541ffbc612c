/** Whether hosted clients may connect over MCP with OAuth. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { mcpAuthApi } from '../../contract/mcp-auth.ts'
import { call } from '../platform/api-client.ts'
import { queryKeys } from '../platform/query-keys.ts'
import { Checkbox } from '../ui/choice.tsx'
import { CopyField } from '../ui/copy-lines.tsx'
import { ErrorNote } from '../ui/error-state.tsx'
import { Panel } from '../ui/panel.tsx'

export function McpAuthPanel() {
  const queries = useQueryClient()
  const query = useQuery({
    queryKey: queryKeys.mcpAuth,
    queryFn: ({ signal }) => call(mcpAuthApi.getMcpAuth, { signal }),
  })
  const { mutate, isPending, variables, error } = useMutation({
    mutationFn: (enabled: boolean) => call(mcpAuthApi.setMcpAuth, { body: { enabled } }),
    onSuccess: saved => queries.setQueryData(queryKeys.mcpAuth, saved),
  })
  return (
    <Panel title="Hosted clients (OAuth)" query={query} isFlush={false}>
      {({ enabled, resource }) => (
        <div className="grid max-w-3xl gap-4">
          <p className="max-w-prose text-sm text-soft">
            Programs such as hosted assistants connect with just the address below. Each asks a signed-in user, who
            chooses its accounts, scopes and expiry; it is then listed among that user’s tokens.
          </p>
          <Checkbox
            label="Clients may connect with OAuth"
            hint="When off, nobody can connect, and connected clients are rejected until it is on again."
            isChecked={isPending ? variables : enabled}
            disabled={isPending}
            onChange={mutate}
          />
          {error && <ErrorNote error={error} />}
          {enabled && (
            <CopyField
              label="Address for clients"
              text={resource}
              hint="Hosted clients must be able to reach it from the internet over HTTPS."
            />
          )}
        </div>
      )}
    </Panel>
  )
}

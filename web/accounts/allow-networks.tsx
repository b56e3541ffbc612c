/** Opens the private network that a mail server or a model provider stands in: here at once, or with a line for the operator of RustyMail. */
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { LockOpen } from 'lucide-react'
import { api } from '../../contract/index.ts'
import type { ServersAllowed } from '../../contract/settings.ts'
import { call } from '../platform/api-client.ts'
import { queryKeys } from '../platform/query-keys.ts'
import { useMay } from '../platform/session.ts'
import { Button } from '../ui/button.tsx'
import { CopyLines } from '../ui/copy-lines.tsx'
import { ErrorNote } from '../ui/error-state.tsx'

export interface AllowNetworksProps {
  networks: readonly string[]
  /** Of mail unless given. */
  servers?: ServersAllowed
  /** The line of the environment; only the server's refusal has it. */
  setting?: string | undefined
  /** What is done once they are allowed; without it, the server connects the account by itself. */
  onAllowed?: { label: string; act(): void } | undefined
}

export function AllowNetworks({ networks, servers, setting, onAllowed }: AllowNetworksProps) {
  const allowing = useAllowNetworks(servers)
  if (!useMay('dashboard:admin') || networks.length === 0) return null
  return (
    <div className="grid gap-2">
      <div>
        <Button
          size="sm"
          icon={LockOpen}
          isBusy={allowing.isPending}
          onClick={() => allowing.mutate(networks, { onSuccess: () => onAllowed?.act() })}
        >
          Allow {listOf(networks)}
          {onAllowed && ` and ${onAllowed.label}`}
        </Button>
      </div>
      {allowing.error && <ErrorNote error={allowing.error} />}
      {setting && <CopyLines title="Or set it in the environment and restart RustyMail" lines={setting} />}
    </div>
  )
}

export function useAllowNetworks(servers: ServersAllowed = 'mail') {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (networks: readonly string[]) =>
      call(api.settings.allowPrivateNetworks, { body: { networks: [...networks], servers } }),
    onSuccess: async list => {
      queries.setQueryData(queryKeys.networks, list)
      await queries.invalidateQueries({ queryKey: queryKeys.accounts })
    },
  })
}

/** A single address is written as such. */
export function networkWords(network: string): string {
  return network.replace(network.includes(':') ? /\/128$/ : /\/32$/, '')
}

function listOf(networks: readonly string[]): string {
  return new Intl.ListFormat('en').format(networks.map(networkWords))
}

/** Allows the private network of a mail server or model provider: by a button, or by a setting for the operator. */
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
  /** What the networks are allowed for; mail by default. */
  servers?: ServersAllowed
  /** The line for the environment; only the server's refusal has it. */
  setting?: string | undefined
  /** What happens once they are allowed; without it, the server connects the account automatically. */
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

/** Formats a network; a single address without its prefix length. */
export function networkWords(network: string): string {
  return network.replace(network.includes(':') ? /\/128$/ : /\/32$/, '')
}

function listOf(networks: readonly string[]): string {
  return new Intl.ListFormat('en').format(networks.map(networkWords))
}

/** The palette with its items, loaded when it is first opened. */
import { useQuery } from '@tanstack/react-query'
import { api } from '../../contract/index.ts'
import { call } from '../platform/api-client.ts'
import { queryKeys } from '../platform/query-keys.ts'
import { useMay } from '../platform/session.ts'
import type { Early } from '../shell/early-field.tsx'
import type { Destination } from '../shell/navigation.ts'
import { CommandPalette } from './command-palette.tsx'
import { type PaletteDoers, usePaletteItems } from './palette-items.ts'

export function Palette({
  pages,
  doers,
  early,
  onClose,
}: {
  pages: readonly Destination[]
  doers: PaletteDoers
  early: Early
  onClose(): void
}) {
  const maySeeAccounts = useMay('dashboard:read')
  const accounts = useQuery({
    queryKey: queryKeys.accounts,
    queryFn: ({ signal }) => call(api.accounts.listAccounts, { signal }),
    enabled: maySeeAccounts,
  })
  const items = usePaletteItems(pages, accounts.data?.items ?? [], doers)
  return <CommandPalette items={items} early={early} onClose={onClose} />
}

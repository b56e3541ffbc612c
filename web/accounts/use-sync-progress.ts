/** The indexing progress of an account from the stream; undefined until it reports one. */
import { useCallback, useState } from 'react'
import type { SyncState } from '../../contract/event.ts'
import { useStreamEvent } from '../platform/live.tsx'
import type { StreamEvent } from '../platform/stream-status.ts'

export function useSyncProgress(accountId: string): SyncState | undefined {
  const [newest, setNewest] = useState<SyncState>()
  const follow = useCallback(
    ({ event }: StreamEvent) => {
      if (event.type !== 'sync_progress' || event.data.account_id !== accountId) return
      const isOver = event.data.phase === 'done' || event.data.phase === 'stopped'
      setNewest(isOver ? undefined : event.data)
    },
    [accountId],
  )
  useStreamEvent(follow)
  return newest
}

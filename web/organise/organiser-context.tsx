/** Provides the organiser to the mail page, and shows the details of failures on request. */
import { useQueryClient } from '@tanstack/react-query'
import { createContext, type ReactNode, useContext, useEffect, useMemo, useState, useSyncExternalStore } from 'react'
import type { MailPage } from '../mail/mail-row.ts'
import { useStream } from '../platform/live.tsx'
import { useToast } from '../ui/toast.tsx'
import { FailuresDialog } from './failures-dialog.tsx'
import { type FailureReport, Organiser } from './organiser.ts'
import { PendingChanges } from './pending-changes.ts'
import { type PatchedList, patched } from './row-patches.ts'
import { TrackedOperations } from './tracked-operations.ts'

interface Organising {
  organiser: Organiser
  pending: PendingChanges
}

const OrganisingContext = createContext<Organising | undefined>(undefined)

/** Changes in flight when the page is left continue, and are still reported. */
export function OrganiserProvider({ children }: { children: ReactNode }) {
  const queries = useQueryClient()
  const stream = useStream()
  const toast = useToast()
  const [report, setReport] = useState<FailureReport>()
  const [organising] = useState((): Organising => {
    const pending = new PendingChanges()
    const tracked = new TrackedOperations(stream)
    return { pending, organiser: new Organiser({ queries, pending, tracked, toast, onReport: setReport }) }
  })
  return (
    <OrganisingContext value={organising}>
      {children}
      {report && <FailuresDialog report={report} onClose={() => setReport(undefined)} />}
    </OrganisingContext>
  )
}

export function useOrganiser(): Organiser {
  return useOrganising().organiser
}

function useOrganising(): Organising {
  const organising = useContext(OrganisingContext)
  if (!organising) throw new Error('there is no OrganiserProvider above')
  return organising
}

/**
 * Returns the page with pending changes applied.
 * @param askedAt When the server returned it.
 */
export function usePatchedPage(page: MailPage | undefined, list: PatchedList, askedAt: number): MailPage | undefined {
  const { pending } = useOrganising()
  const sets = useSyncExternalStore(pending.subscribe, pending.getSnapshot)
  useEffect(() => {
    if (page) pending.see(page, list, askedAt)
  }, [pending, page, list, askedAt])
  return useMemo(() => page && patched(page, list, sets), [page, list, sets])
}

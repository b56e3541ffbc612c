/** The open draft, kept in the address, so that every page can open one, back closes it, and a reload keeps it. */
import { createContext, type ReactNode, useCallback, useContext, useMemo, useState } from 'react'
import type { NewDraft } from '../../contract/draft.ts'
import type { Submission } from '../../contract/submission.ts'
import { call } from '../platform/api-client.ts'
import { useUrlState } from '../platform/url-state.ts'
import { useToast } from '../ui/toast.tsx'

export interface OpenDraft {
  accountId: string
  draftId: string
  /** Whether it was just created; closed while empty, it is discarded. */
  isNew: boolean
}

interface Compose {
  open: OpenDraft | undefined
  /** The message that was just submitted for sending. */
  sent: Submission | undefined
  isBeginning: boolean
  begin(accountId: string, draft: Partial<NewDraft>): void
  reopen(accountId: string, draftId: string): void
  close(): void
  setSent(submission: Submission | undefined): void
}

const ComposeContext = createContext<Compose | undefined>(undefined)

export function ComposeProvider({ children }: { children: ReactNode }) {
  const [{ compose }, setUrl] = useUrlState({ compose: '' })
  const [newId, setNewId] = useState('')
  const [sent, setSent] = useState<Submission>()
  const [isBeginning, setBeginning] = useState(false)
  const toast = useToast()
  const reopen = useCallback(
    (accountId: string, draftId: string) => setUrl({ compose: `${accountId}.${draftId}` }),
    [setUrl],
  )
  const close = useCallback(() => setUrl({ compose: '' }, { replace: true }), [setUrl])
  const begin = useCallback(
    (accountId: string, draft: Partial<NewDraft>) => {
      setBeginning(true)
      // Loaded on demand, to keep it out of the first load.
      import('../../contract/drafts.ts')
        .then(({ draftsApi }) =>
          call(draftsApi.createDraft, { params: { account_id: accountId }, body: { mode: 'new', ...draft } }),
        )
        .then(
          ({ id }) => {
            setNewId(id)
            reopen(accountId, id)
          },
          (error: Error) => toast({ tone: 'bad', title: 'The draft could not be created', detail: error.message }),
        )
        .finally(() => setBeginning(false))
    },
    [reopen, toast],
  )
  const value = useMemo(() => {
    const [accountId = '', draftId = ''] = compose.split('.')
    const open = draftId ? { accountId, draftId, isNew: draftId === newId } : undefined
    return { open, sent, isBeginning, begin, reopen, close, setSent }
  }, [compose, newId, sent, isBeginning, begin, reopen, close])
  return <ComposeContext value={value}>{children}</ComposeContext>
}

export function useCompose(): Compose {
  const compose = useContext(ComposeContext)
  if (!compose) throw new Error('there is no ComposeProvider above')
  return compose
}

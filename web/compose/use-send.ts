/** Submits a draft for sending, or discards it. */
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { draftsApi } from '../../contract/drafts.ts'
import { outboxApi } from '../../contract/outbox.ts'
import { call } from '../platform/api-client.ts'
import { queryKeys } from '../platform/query-keys.ts'
import { useMay } from '../platform/session.ts'
import { useCompose } from './compose-context.tsx'
import type { DraftSession, DraftSnapshot } from './draft-session.ts'
import { invalidOf } from './recipients.ts'

export function useSend(session: DraftSession, { draft, form, uploads, conflict }: DraftSnapshot) {
  const { close, setSent } = useCompose()
  const queries = useQueryClient()
  const maySend = useMay('mail:send')
  const [isSending, setSending] = useState(false)
  const [error, setError] = useState<Error>()
  const params = { account_id: draft.account_id, draft_id: draft.id }
  const people = [...form.to, ...form.cc, ...form.bcc]
  const wrong = invalidOf(people)
  const because = whyNot({ maySend, hasPeople: people.length > 0, wrong: wrong[0]?.email, uploads: uploads.length })
  const send = async (at?: Date) => {
    setSending(true)
    setError(undefined)
    try {
      if (!(await session.flush())) throw session.getSnapshot().error ?? new Error('The draft could not be saved.')
      const { rev } = session.getSnapshot().draft
      const body = { rev, ...(at && { at: at.toISOString() }) }
      setSent(await call(outboxApi.sendDraft, { params, body }))
      void queries.invalidateQueries({ queryKey: queryKeys.outbox })
      close()
    } catch (reason) {
      setError(reason as Error)
    } finally {
      setSending(false)
    }
  }
  return {
    send,
    /** Discards the draft; throws if the server refuses. */
    discard: () => call(draftsApi.discardDraft, { params }),
    isSending,
    error,
    /** Why the draft cannot be sent now; empty if it can. */
    because,
    canSend: because === '' && !isSending && conflict === undefined && draft.state === 'open',
  }
}

interface Facts {
  maySend: boolean
  hasPeople: boolean
  wrong: string | undefined
  uploads: number
}

function whyNot({ maySend, hasPeople, wrong, uploads }: Facts): string {
  if (!maySend) return 'You may write drafts, but not send.'
  if (!hasPeople) return 'Add a recipient.'
  if (wrong !== undefined) return `${wrong} is not an address.`
  return uploads > 0 ? 'Files are still uploading.' : ''
}

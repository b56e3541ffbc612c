/** The content of a proposed draft or message, rendered from its bytes as for an approval. */
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect } from 'react'
import type { ApprovalDetail } from '../../contract/approvals.ts'
import { approvalsApi } from '../../contract/approvals.ts'
import type { Draft } from '../../contract/draft.ts'
import { draftHtmlPath, draftsApi } from '../../contract/drafts.ts'
import type { ProposalItem } from '../../contract/proposal.ts'
import { Reasons } from '../approvals/approval-detail.tsx'
import { strangersOf } from '../approvals/approval-words.ts'
import { EditHeldDialog } from '../approvals/edit-held-dialog.tsx'
import { HeldRecipients } from '../approvals/held-recipients.tsx'
import { MessageWarnings } from '../approvals/message-warnings.tsx'
import { useHeldMessage } from '../approvals/use-held-message.tsx'
import { AddressText } from '../outbox/address-text.tsx'
import { OutgoingAttachments, OutgoingContent } from '../outbox/outgoing-content.tsx'
import { addressOf, call } from '../platform/api-client.ts'
import { queryKeys } from '../platform/query-keys.ts'
import { ErrorState } from '../ui/error-state.tsx'
import { SkeletonRows } from '../ui/skeleton.tsx'

export interface Reading {
  /** Called when the message with this hash has been on screen. */
  onSeen(id: string, hash: string): void
  isEditing: boolean
  onEdited(): void
}

export function MessageOf({ item, ...reading }: Reading & { item: ProposalItem }) {
  const approvalId = item.approval_id ?? ''
  const { data, error, refetch } = useQuery({
    // Another hash means another message.
    queryKey: [...queryKeys.approval(approvalId), item.hash],
    queryFn: ({ signal }) => call(approvalsApi.getApproval, { params: { approval_id: approvalId }, signal }),
    enabled: approvalId !== '',
  })
  const queries = useQueryClient()
  const isOther = data !== undefined && data.hash !== item.hash
  // The item still names the version before an edit, so its proposal is reloaded.
  useEffect(() => {
    if (isOther) void queries.invalidateQueries({ queryKey: queryKeys.openedProposals })
  }, [isOther, queries])
  if (!data && error) return <ErrorState error={error} onRetry={() => void refetch()} />
  if (!data) return <SkeletonRows count={4} />
  return (
    <>
      <Message key={data.hash} item={item} detail={data} onSeen={reading.onSeen} />
      {reading.isEditing && <EditHeldDialog detail={data} onClose={reading.onEdited} />}
    </>
  )
}

function Message({
  item: { id, hash },
  detail,
  onSeen,
}: Pick<Reading, 'onSeen'> & { item: ProposalItem; detail: ApprovalDetail }) {
  const { submission, content } = detail
  const held = useHeldMessage(detail)
  // A message edited a moment ago is not the one that the item names.
  const isSeen = held.isSeen && detail.hash === hash
  useEffect(() => {
    if (isSeen) onSeen(id, hash)
  }, [isSeen, onSeen, id, hash])
  return (
    <>
      <Reasons detail={detail} />
      <MessageWarnings warnings={detail.warnings} />
      <HeldRecipients submission={submission} content={content} strangers={strangersOf(detail)} />
      <OutgoingAttachments {...held.files} />
      <div data-words>
        <OutgoingContent {...held.words} />
      </div>
    </>
  )
}

const people = [
  ['To', 'to'],
  ['Cc', 'cc'],
  ['Bcc', 'bcc'],
] as const

export function DraftOf({ draft }: { draft: Draft }) {
  const params = { account_id: draft.account_id, draft_id: draft.id }
  const { data, error, refetch } = useQuery({
    queryKey: ['draft-preview', draft.id, String(draft.rev)],
    queryFn: ({ signal }) => call(draftsApi.previewDraft, { params, signal }),
    gcTime: 0,
  })
  if (!data && error) return <ErrorState error={error} onRetry={() => void refetch()} />
  if (!data) return <SkeletonRows count={4} />
  return (
    <>
      <section aria-label="Recipients" className="grid grid-cols-1 gap-1 border-b px-4 py-2.5 text-sm">
        {people.flatMap(([label, kind]) =>
          draft[kind].map(({ email }) => (
            <p key={`${kind} ${email}`} className="flex gap-2">
              <span className="w-12 shrink-0 text-muted">{label}</span>
              <span className="min-w-0">
                <AddressText email={email} />
              </span>
            </p>
          )),
        )}
        {people.every(([, kind]) => draft[kind].length === 0) && <p className="text-muted">No recipients yet.</p>}
      </section>
      <OutgoingAttachments attachments={data.attachments} />
      <OutgoingContent content={data} frameSource={addressOf(draftHtmlPath, params, { rev: data.rev })} />
    </>
  )
}

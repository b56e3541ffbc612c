/** What a draft or a message of a proposal would be, from its bytes, as among approvals. */
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useCallback, useEffect, useRef, useState } from 'react'
import type { ApprovalDetail } from '../../contract/approvals.ts'
import { approvalsApi } from '../../contract/approvals.ts'
import type { Draft } from '../../contract/draft.ts'
import { draftHtmlPath, draftsApi } from '../../contract/drafts.ts'
import { submissionHtmlPath } from '../../contract/outbox.ts'
import type { ProposalItem } from '../../contract/proposal.ts'
import { Reasons } from '../approvals/approval-detail.tsx'
import { EditHeldDialog } from '../approvals/edit-held-dialog.tsx'
import { HeldRecipients } from '../approvals/held-recipients.tsx'
import { NewAndQuoted } from '../approvals/new-and-quoted.tsx'
import { useHeldFiles } from '../approvals/use-held-files.ts'
import { useWasOnScreen } from '../approvals/use-on-screen.ts'
import { AddressText } from '../outbox/address-text.tsx'
import { OutgoingAttachments, OutgoingContent } from '../outbox/outgoing-content.tsx'
import { addressOf, call } from '../platform/api-client.ts'
import { queryKeys } from '../platform/query-keys.ts'
import { ErrorState } from '../ui/error-state.tsx'
import { SkeletonRows } from '../ui/skeleton.tsx'

export interface Reading {
  /** The message with this hash was on screen. */
  onSeen(id: string, hash: string): void
  isEditing: boolean
  onEdited(): void
}

export function MessageOf({ item, ...reading }: Reading & { item: ProposalItem }) {
  const approvalId = item.approval_id ?? ''
  const { data, error, refetch } = useQuery({
    // Another hash is another message.
    queryKey: [...queryKeys.approval(approvalId), item.hash],
    queryFn: ({ signal }) => call(approvalsApi.getApproval, { params: { approval_id: approvalId }, signal }),
    enabled: approvalId !== '',
  })
  const queries = useQueryClient()
  const isOther = data !== undefined && data.hash !== item.hash
  // The item names what was there before an edit: its proposal is asked for again.
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
  const { submission, content, message } = detail
  const [hasFrame, setFrame] = useState(content.html === null)
  const onLoad = useCallback(() => setFrame(true), [])
  const words = useRef<HTMLDivElement>(null)
  const wasOnScreen = useWasOnScreen(words)
  const hrefOf = useHeldFiles(submission, content.attachments)
  // What was edited a moment ago is not what the item names.
  const isSeen = hasFrame && wasOnScreen && detail.hash === hash
  useEffect(() => {
    if (isSeen) onSeen(id, hash)
  }, [isSeen, onSeen, id, hash])
  const frameSource = addressOf(submissionHtmlPath, { submission_id: submission.id }, { hash: detail.hash })
  const more =
    message === null || content.text === null
      ? []
      : [
          {
            id: 'new',
            label: 'New and quoted',
            children: <NewAndQuoted accountId={submission.account_id} message={message} text={content.text} />,
          },
        ]
  return (
    <>
      <Reasons detail={detail} />
      <HeldRecipients submission={submission} envelope={content.envelope} />
      <OutgoingAttachments attachments={content.attachments} hrefOf={hrefOf} />
      <div data-words>
        <OutgoingContent content={content} frameSource={frameSource} body={words} onSeen={onLoad} more={more} />
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

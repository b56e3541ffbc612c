/** The fields of a message: sender, recipients, subject and text. */
import { useState } from 'react'
import { draftBounds } from '../../contract/draft.ts'
import { useAccounts } from '../accounts/use-accounts.ts'
import { visibleText } from '../platform/visible-text.ts'
import { ToneIcon } from '../ui/badge.tsx'
import { Checkbox } from '../ui/choice.tsx'
import { classNames } from '../ui/class-names.ts'
import { DraftAttachments } from './draft-attachments.tsx'
import { DraftPreview } from './draft-preview.tsx'
import type { DraftSession, DraftSnapshot } from './draft-session.ts'
import { FromField } from './from-field.tsx'
import { RecipientsField } from './recipients-field.tsx'
import { useSignature } from './use-signature.ts'

export function ComposeForm({
  session,
  snapshot,
  isNew,
}: {
  session: DraftSession
  snapshot: DraftSnapshot
  isNew: boolean
}) {
  const { draft, form } = snapshot
  const [copies, setCopies] = useState<'shown' | 'asked' | undefined>(
    form.cc.length + form.bcc.length > 0 ? 'shown' : undefined,
  )
  const [isPreview, setPreview] = useState(false)
  const accounts = useAccounts()
  const set = (change: Parameters<DraftSession['change']>[0]) => session.change(change)
  const { account_id: accountId, mode, warnings, state } = draft
  const hasSignature = (useSignature(accountId).data?.content ?? '').trim() !== ''
  return (
    <div className="flex min-h-0 flex-1 flex-col overflow-y-auto px-4">
      {state !== 'open' && (
        <p role="alert" className="flex items-center gap-2 py-2 text-sm">
          <ToneIcon tone="warn" />
          {state === 'sent' ? 'This message was sent.' : 'This message is in the outbox. Cancel it there to change it.'}
        </p>
      )}
      <fieldset disabled={state !== 'open'} className="flex min-h-0 flex-1 flex-col">
        <legend className="sr-only">Message</legend>
        <FromField
          draft={draft}
          form={form}
          accounts={accounts.data?.items ?? []}
          mayMove={isNew && mode === 'new'}
          onChange={from_email => set({ from_email })}
        />
        <RecipientsField
          label="To"
          accountId={accountId}
          value={form.to}
          isFirst={form.to.length === 0}
          onChange={to => set({ to })}
        >
          {!copies && (
            <button
              type="button"
              onClick={() => setCopies('asked')}
              className="min-h-8 shrink-0 self-start rounded-sm px-1 text-xs font-medium text-accent max-md:min-h-11"
            >
              Cc and Bcc
            </button>
          )}
        </RecipientsField>
        {copies && (
          <>
            <RecipientsField
              label="Cc"
              accountId={accountId}
              value={form.cc}
              isFirst={copies === 'asked'}
              onChange={cc => set({ cc })}
            />
            <RecipientsField label="Bcc" accountId={accountId} value={form.bcc} onChange={bcc => set({ bcc })} />
          </>
        )}
        <label className="flex items-center gap-2 border-b py-1 focus-within:border-accent">
          <span className="w-14 shrink-0 text-sm text-muted">Subject</span>
          <input
            value={form.subject}
            onChange={event => set({ subject: event.target.value })}
            maxLength={draftBounds.subject}
            className="min-h-8 min-w-0 flex-1 bg-transparent text-base font-medium outline-none max-md:min-h-11"
          />
        </label>
        <Views isPreview={isPreview} onChoose={setPreview} />
        {isPreview ? (
          <DraftPreview session={session} draft={draft} />
        ) : (
          <textarea
            aria-label="Text"
            value={form.content}
            onChange={event => set({ content: event.target.value })}
            maxLength={draftBounds.body}
            placeholder={
              draft.body.format === 'markdown' ? 'Write in Markdown: **bold**, - list, [link](https://…)' : ''
            }
            dir="auto"
            className="min-h-40 w-full flex-1 resize-none bg-transparent py-2 text-base outline-none"
          />
        )}
        <div className="flex flex-wrap gap-x-6 border-t py-1 empty:hidden">
          {draft.message && (
            <Checkbox
              label={mode === 'forward' ? 'Include the forwarded message' : 'Quote the message below'}
              isChecked={form.include_quote}
              onChange={include_quote => set({ include_quote })}
            />
          )}
          {hasSignature && (
            <Checkbox
              label="Add the signature"
              isChecked={form.include_signature}
              onChange={include_signature => set({ include_signature })}
            />
          )}
        </div>
        <DraftAttachments session={session} snapshot={snapshot} />
        {warnings.length > 0 && !(isNew && draft.rev === 1) && (
          <ul aria-label="Before you send" className="grid gap-1 pb-2 text-sm">
            {warnings.map(warning => (
              <li key={warning} className="flex items-start gap-2">
                <span className="mt-0.5">
                  <ToneIcon tone="warn" />
                </span>
                <span className="min-w-0 wrap-anywhere">{visibleText(warning)}</span>
              </li>
            ))}
          </ul>
        )}
      </fieldset>
    </div>
  )
}

function Views({ isPreview, onChoose }: { isPreview: boolean; onChoose(isPreview: boolean): void }) {
  return (
    <fieldset className="flex gap-1 pt-1.5">
      <legend className="sr-only">Show</legend>
      {[false, true].map(each => (
        <button
          key={String(each)}
          type="button"
          aria-pressed={each === isPreview}
          onClick={() => onChoose(each)}
          className={classNames(
            'min-h-8 rounded-md px-2.5 text-xs font-medium max-md:min-h-11',
            each === isPreview ? 'bg-sunken text-ink' : 'text-muted hover:text-ink',
          )}
        >
          {each ? 'Preview' : 'Write'}
        </button>
      ))}
    </fieldset>
  )
}

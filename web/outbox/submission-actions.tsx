/** Actions on a message in the outbox; those that may send it twice ask for confirmation. */
import { Ban, CheckCheck, PenLine, RotateCw, ShieldQuestionMark, XCircle } from 'lucide-react'
import { useState } from 'react'
import type { Submission } from '../../contract/submission.ts'
import { useCompose } from '../compose/compose-context.tsx'
import { Button, ButtonLink } from '../ui/button.tsx'
import { ConfirmDialog } from '../ui/dialog.tsx'
import { ErrorNote } from '../ui/error-state.tsx'
import { type OutboxAction, useOutboxAction } from './use-outbox.ts'

interface Question {
  title: string
  words: string
  label: string
}

const questions: Partial<Record<OutboxAction, Question>> = {
  retry: {
    title: 'Send it again?',
    words: 'It is unknown whether it was delivered. Recipients who have it already get it twice.',
    label: 'Send again',
  },
  sent: {
    title: 'Did it arrive?',
    words: 'It is marked as sent and not sent again. Choose this if a recipient or the Sent folder has it.',
    label: 'It arrived',
  },
  failed: {
    title: 'Did it not arrive?',
    words: 'It is marked as failed. You can then send it again.',
    label: 'It did not arrive',
  },
}

export function SubmissionActions({ submission }: { submission: Submission }) {
  const { can, state, account_id: accountId, draft_id: draftId, approval_id: approvalId } = submission
  const { reopen } = useCompose()
  const act = useOutboxAction(submission)
  const [asked, setAsked] = useState<OutboxAction>()
  const question = asked && questions[asked]
  const run = (action: OutboxAction) => act.mutate(action, { onSuccess: () => setAsked(undefined) })
  const isBusy = (action: OutboxAction) => act.isPending && act.variables === action
  const hasDraft = ['cancelled', 'failed', 'denied', 'expired'].includes(state)
  if (can.length === 0 && !hasDraft && state !== 'held') return null
  return (
    <div className="grid gap-2">
      <div className="flex flex-wrap gap-2">
        {can.includes('cancel') && (
          <Button icon={Ban} className={tall} isBusy={isBusy('cancel')} onClick={() => run('cancel')}>
            Cancel sending
          </Button>
        )}
        {can.includes('resolve') && (
          <>
            <Button icon={CheckCheck} className={tall} onClick={() => setAsked('sent')}>
              It arrived
            </Button>
            <Button icon={XCircle} className={tall} onClick={() => setAsked('failed')}>
              It did not arrive
            </Button>
          </>
        )}
        {can.includes('retry') && (
          <Button
            icon={RotateCw}
            className={tall}
            isBusy={isBusy('retry')}
            onClick={() => (state === 'unknown' ? setAsked('retry') : run('retry'))}
          >
            Try again
          </Button>
        )}
        {hasDraft && (
          <Button icon={PenLine} className={tall} onClick={() => reopen(accountId, draftId)}>
            Open the draft
          </Button>
        )}
        {state === 'held' && approvalId !== null && (
          <ButtonLink icon={ShieldQuestionMark} href={`/approvals?open=${approvalId}`}>
            Open the approval
          </ButtonLink>
        )}
      </div>
      {act.error && !asked && <ErrorNote error={act.error} />}
      {asked && question && (
        <ConfirmDialog
          isOpen
          title={question.title}
          confirmLabel={question.label}
          isDangerous={asked === 'retry'}
          isBusy={act.isPending}
          error={act.error}
          onConfirm={() => run(asked)}
          onClose={() => setAsked(undefined)}
        >
          <p className="text-sm">{question.words}</p>
        </ConfirmDialog>
      )}
    </div>
  )
}

const tall = 'max-md:min-h-11'

/** One message in the outbox: one line, and expanded the outcome of each recipient with actions. */
import { ChevronDown, ChevronRight } from 'lucide-react'
import { useId } from 'react'
import type { Submission } from '../../contract/submission.ts'
import { zoneAt } from '../analytics/time-labels.ts'
import { recipientWords } from '../approvals/approval-words.ts'
import { formatMinute } from '../platform/format.ts'
import { visibleText } from '../platform/visible-text.ts'
import { Badge, StatePill, ToneIcon } from '../ui/badge.tsx'
import { RelativeTime } from '../ui/relative-time.tsx'
import { AddressText } from './address-text.tsx'
import { SubmissionActions } from './submission-actions.tsx'
import { SubmissionContent } from './submission-content.tsx'
import { adviceOf, copyWords, progressWords, recipientStates, submissionStates } from './submission-words.ts'

export function SubmissionItem({
  submission,
  account,
  isOpen,
  onToggle,
}: {
  submission: Submission
  /** Name of the account; undefined if there is only one. */
  account: string | undefined
  isOpen: boolean
  onToggle(): void
}) {
  const id = useId()
  const { state, subject, recipients, principal, created_at: at, send_at: sendAt, is_frozen: isFrozen } = submission
  const { tone, text } = submissionStates[state]
  const when = state === 'scheduled' && sendAt !== null ? `at ${zonedMinute(sendAt)}` : zonedMinute(at)
  const Arrow = isOpen ? ChevronDown : ChevronRight
  return (
    <li data-submission={submission.id} className="min-w-0 border-b last:border-b-0">
      <button
        type="button"
        aria-expanded={isOpen}
        aria-controls={id}
        onClick={onToggle}
        className="flex min-h-14 w-full items-center gap-3 px-3 py-2 text-left max-sm:flex-wrap max-sm:gap-y-1 hover:bg-sunken/60 focus-visible:-outline-offset-2"
      >
        <Arrow className="size-4 shrink-0 text-muted" aria-hidden="true" />
        <span className="grid min-w-0 flex-1 grid-cols-1 max-sm:basis-3/4">
          <bdi className="truncate font-medium">{visibleText(subject.trim()) || '(no subject)'}</bdi>
          <span className="truncate text-xs text-muted">
            {account !== undefined && (
              <>
                <bdi className="font-medium text-soft">{account}</bdi> ·{' '}
              </>
            )}
            <bdi>{principal.name}</bdi> to <bdi>{recipientWords(recipients)}</bdi>
          </span>
          <span className="text-xs text-muted sm:hidden">{when}</span>
        </span>
        <span className="grid shrink-0 justify-items-end gap-0.5 max-sm:ps-7 text-xs text-muted" aria-live="polite">
          <span className="flex gap-1">
            {isFrozen && <Badge tone="warn">Stopped</Badge>}
            <StatePill tone={tone}>{text}</StatePill>
          </span>
          <span className="max-sm:hidden">{when}</span>
        </span>
      </button>
      <div id={id} hidden={!isOpen}>
        {isOpen && <Opened submission={submission} />}
      </div>
    </li>
  )
}

function zonedMinute(at: string): string {
  const ms = Date.parse(at)
  return `${formatMinute(ms)} ${zoneAt(ms)}`
}

function Opened({ submission }: { submission: Submission }) {
  const { error, next_attempt_at: nextAt, attempts, sent_copy: copy } = submission
  const advice = adviceOf(submission)
  const copied = copyWords(copy)
  return (
    <div className="grid grid-cols-1 gap-3 bg-canvas/60 px-4 py-3 text-sm md:px-10">
      {error && (
        <div className="grid gap-1">
          <p className="flex items-start gap-2">
            <span className="mt-0.5">
              <ToneIcon tone={submission.state === 'sent' ? 'info' : 'bad'} />
            </span>
            <span className="min-w-0 wrap-anywhere">{error.why}</span>
          </p>
          {error.server_response !== null && <ServerWords words={error.server_response} />}
        </div>
      )}
      {advice !== undefined && <p className="max-w-prose text-soft">{advice}</p>}
      {nextAt !== null && submission.state === 'queued' && attempts > 0 && (
        <p className="text-soft">
          Attempt {attempts} did not succeed. Next attempt <RelativeTime at={nextAt} />.
        </p>
      )}
      <SubmissionActions submission={submission} />
      <section aria-label="Recipients">
        <p className="mb-1 text-xs text-muted">{progressWords(submission)}</p>
        <ul className="grid max-h-72 grid-cols-1 gap-1.5 overflow-y-auto">
          {submission.recipients.map(({ email, kind, state, response }) => (
            <li key={`${kind} ${email}`} className="grid grid-cols-1 gap-0.5">
              <span className="flex flex-wrap items-center gap-2">
                <StatePill tone={recipientStates[state].tone}>{recipientStates[state].text}</StatePill>
                <AddressText email={email} />
                {kind !== 'to' && <span className="text-xs text-muted">{kind === 'cc' ? 'Cc' : 'Bcc'}</span>}
              </span>
              {response !== null && state !== 'accepted' && <ServerWords words={response} />}
            </li>
          ))}
        </ul>
      </section>
      {copied !== undefined && (
        <p className="flex items-start gap-2 text-soft">
          {copy.state === 'failed' && <ToneIcon tone="warn" />}
          <span>{copied}</span>
        </p>
      )}
      <SubmissionContent submission={submission} />
    </div>
  )
}

function ServerWords({ words }: { words: string }) {
  return (
    <p className="text-xs wrap-anywhere text-soft">
      The mail server said: <q className="font-mono">{visibleText(words)}</q>
    </p>
  )
}

/** A call that needs a human's permission. It takes no focus, and gets no key presses meant for the composer. */
import { Check, ShieldQuestionMark, X } from 'lucide-react'
import { useId, useRef, useState } from 'react'
import type { AssistantToolCall, Citation } from '../../contract/answers.ts'
import { useNow } from '../platform/clock.ts'
import { formatDuration } from '../platform/format.ts'
import { useLiveStatus } from '../platform/live.tsx'
import { Button } from '../ui/button.tsx'
import { ErrorNote } from '../ui/error-state.tsx'
import { Citations } from './citations.tsx'
import { Exact } from './exact.tsx'
import { exactInput, linesOfInput, showHidden } from './input-words.ts'

const effectWords = {
  read: 'It reads.',
  write: 'It changes something.',
  send: 'It sends.',
  destroy: 'It deletes permanently.',
} as const

export function WaitingCall({
  call,
  concerned,
  onDecide,
}: {
  call: AssistantToolCall
  /** The messages that it would affect, as far as they were seen. */
  concerned: readonly Citation[]
  onDecide(decision: 'allow' | 'decline'): Promise<void>
}) {
  const { title, summary, input, effect, expires_at: expiresAt } = call
  const id = useId()
  const box = useRef<HTMLElement>(null)
  const [busy, setBusy] = useState<'allow' | 'decline'>()
  const [error, setError] = useState<Error>()
  const leftMs = useLeft(expiresAt)
  const isOver = leftMs !== undefined && leftMs <= 0
  const decide = async (decision: 'allow' | 'decline') => {
    setBusy(decision)
    setError(undefined)
    // The focused button is about to be removed.
    box.current?.closest<HTMLElement>('[data-exchange]')?.focus({ preventScroll: true })
    try {
      await onDecide(decision)
    } catch (cause) {
      setError(cause instanceof Error ? cause : new Error(String(cause)))
    }
    setBusy(undefined)
  }
  const { lines, isWhole } = linesOfInput(input)
  return (
    <section
      ref={box}
      aria-labelledby={id}
      className="grid min-w-0 gap-3 rounded-md border-2 border-warn bg-surface p-3 text-sm"
    >
      <header className="flex flex-wrap items-center gap-x-2 gap-y-1">
        <ShieldQuestionMark className="size-4.5 shrink-0 text-warn" aria-hidden="true" />
        <h3 id={id} className="font-semibold">
          {title}: allow it?
        </h3>
        <span className="text-muted">{effectWords[effect]}</span>
        <span className="ml-auto text-xs text-muted tabular-nums">{leftMs !== undefined && leftWords(leftMs)}</span>
      </header>
      {summary && (
        <p className="break-words" dir="auto">
          {showHidden(summary)}
        </p>
      )}
      {lines.length > 0 && (
        <dl className="grid gap-1.5">
          {lines.map(({ label, value, isLong }) => (
            <div key={label} className="grid gap-x-3 sm:grid-cols-[6rem_1fr]">
              <dt className="text-muted">{label}</dt>
              <dd
                dir="auto"
                className={isLong ? 'max-h-48 overflow-y-auto whitespace-pre-wrap wrap-anywhere' : 'wrap-anywhere'}
              >
                {value}
              </dd>
            </div>
          ))}
        </dl>
      )}
      <Citations citations={concerned} label="Concerns" />
      <details open={!isWhole}>
        <summary className="cursor-pointer text-xs text-muted">Exact input that your decision covers</summary>
        <div className="pt-1.5">
          <Exact label={`Exact input of ${title}`} heading={call.name} text={exactInput(input)} />
        </div>
      </details>
      {error && <ErrorNote error={error} />}
      <div className="flex flex-wrap gap-2">
        <Button
          variant={effect === 'destroy' ? 'danger' : 'primary'}
          icon={Check}
          isBusy={busy === 'allow'}
          disabled={isOver || busy !== undefined}
          onClick={() => void decide('allow')}
        >
          Allow
        </Button>
        <Button
          icon={X}
          isBusy={busy === 'decline'}
          disabled={isOver || busy !== undefined}
          onClick={() => void decide('decline')}
        >
          Decline
        </Button>
      </div>
    </section>
  )
}

function useLeft(expiresAt: string | null): number | undefined {
  const { clockOffsetMs } = useLiveStatus()
  const now = useNow(1_000) + clockOffsetMs
  return expiresAt === null ? undefined : Date.parse(expiresAt) - now
}

function leftWords(leftMs: number): string {
  return leftMs > 0 ? `Expires in ${formatDuration(Math.ceil(leftMs / 1_000))}` : 'Expired: not run'
}

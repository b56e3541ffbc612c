/** A tool call, collapsed to its name and outcome; expanded, its exact input and the result shown to the model. */
import { ChevronRight, EyeOff, Wrench } from 'lucide-react'
import { memo } from 'react'
import { Link } from 'wouter'
import type { AssistantToolCall, Citation } from '../../contract/answers.ts'
import { formatNumber } from '../platform/format.ts'
import { useMay } from '../platform/session.ts'
import { StatePill } from '../ui/badge.tsx'
import type { Tone } from '../ui/tone.ts'
import { Citations, concernedBy } from './citations.tsx'
import { Exact } from './exact.tsx'
import { briefInput, exactInput, showHidden } from './input-words.ts'
import { WaitingCall } from './waiting-call.tsx'

const outcomes: Readonly<Record<AssistantToolCall['outcome'], { words: string; tone: Tone }>> = {
  running: { words: 'Running', tone: 'busy' },
  waiting: { words: 'Waiting for you', tone: 'warn' },
  ok: { words: 'Done', tone: 'good' },
  refused: { words: 'Refused', tone: 'warn' },
  failed: { words: 'Failed', tone: 'bad' },
  declined: { words: 'Declined', tone: 'unknown' },
  expired: { words: 'Expired', tone: 'unknown' },
  stopped: { words: 'Stopped', tone: 'unknown' },
}

type Decide = (call: AssistantToolCall, decision: 'allow' | 'decline') => Promise<void>

export const ToolCallView = memo(function ToolCallView({
  call,
  seen,
  onDecide,
}: {
  call: AssistantToolCall
  /** Messages seen in this answer. */
  seen: readonly Citation[]
  onDecide: Decide
}) {
  return (
    <div className="grid min-w-0 gap-2">
      {call.outcome === 'waiting' ? (
        <WaitingCall
          call={call}
          concerned={concernedBy(call.input, seen)}
          onDecide={decision => onDecide(call, decision)}
        />
      ) : (
        <Folded call={call} />
      )}
      {call.withheld && <Withheld isAll={call.withheld === 'all'} />}
      <Citations citations={call.citations} />
    </div>
  )
})

/** A note that the model was not shown what the tool found, which explains an answer that ignores it. */
function Withheld({ isAll }: { isAll: boolean }) {
  const mayChange = useMay('dashboard:admin')
  return (
    <p className="flex gap-2 rounded-md bg-warn-tint px-3 py-2 text-sm">
      <EyeOff className="mt-0.5 size-4 shrink-0 text-warn" aria-hidden="true" />
      <span>
        {isAll
          ? 'The model did not see this: its provider may not be sent this mail.'
          : 'The model saw only part of this: its provider may not be sent all of this mail.'}{' '}
        {mayChange ? (
          <Link href="/settings/assistant" className="text-accent underline">
            Change what it may be sent
          </Link>
        ) : (
          'An administrator can change that.'
        )}
      </span>
    </p>
  )
}

function Folded({
  call: { title, outcome, duration_ms: took, summary, input, result, withheld },
}: {
  call: AssistantToolCall
}) {
  const { words, tone } = outcomes[outcome]
  // Read-only calls have no summary; their input describes them.
  const about = summary ?? briefInput(input)
  return (
    <details className="group/call min-w-0 rounded-md border text-sm">
      <summary className="flex min-h-9 cursor-pointer list-none flex-wrap items-center gap-x-2 gap-y-1 rounded-md px-2.5 py-1 hover:bg-sunken [&::-webkit-details-marker]:hidden">
        <ChevronRight
          className="size-4 shrink-0 text-muted transition-transform group-open/call:rotate-90"
          aria-hidden="true"
        />
        <Wrench className="size-3.5 shrink-0 text-muted" aria-hidden="true" />
        <span className="min-w-0 font-medium break-words">{title}</span>
        {about && (
          <bdi className="min-w-0 flex-1 basis-40 truncate text-muted" title={about}>
            {showHidden(about)}
          </bdi>
        )}
        <span className="ml-auto flex items-center gap-2">
          {took !== null && (
            <span className="text-xs text-muted tabular-nums">{formatNumber(Math.round(took))} ms</span>
          )}
          <StatePill tone={tone}>{words}</StatePill>
        </span>
      </summary>
      <div className="grid gap-2 border-t p-2.5">
        {summary && <p className="break-words">{showHidden(summary)}</p>}
        <Exact label={`Input of ${title}`} heading="Input" text={exactInput(input)} />
        {result !== null && (
          <Exact
            label={`Result of ${title}`}
            heading={withheld ? 'Result, as you may see it' : 'Result, as the model was shown it'}
            text={showHidden(result)}
          />
        )}
      </div>
    </details>
  )
}

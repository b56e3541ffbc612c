/** A call of a tool: folded to its name and outcome; open, its exact input and what the model was shown of the result, as text. */
import { ChevronRight, Wrench } from 'lucide-react'
import { memo } from 'react'
import type { AssistantToolCall } from '../../contract/conversations.ts'
import { formatNumber } from '../platform/format.ts'
import { StatePill } from '../ui/badge.tsx'
import type { Tone } from '../ui/tone.ts'
import { Citations } from './citations.tsx'
import { Exact } from './exact.tsx'
import { exactInput, showHidden } from './input-words.ts'
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
  onDecide,
}: {
  call: AssistantToolCall
  onDecide: Decide
}) {
  return (
    <div className="grid min-w-0 gap-2">
      {call.outcome === 'waiting' ? (
        <WaitingCall call={call} onDecide={decision => onDecide(call, decision)} />
      ) : (
        <Folded call={call} />
      )}
      <Citations citations={call.citations} />
    </div>
  )
})

function Folded({ call: { title, outcome, duration_ms: took, summary, input, result } }: { call: AssistantToolCall }) {
  const { words, tone } = outcomes[outcome]
  return (
    <details className="group/call min-w-0 rounded-md border text-sm">
      <summary className="flex min-h-9 cursor-pointer list-none flex-wrap items-center gap-x-2 gap-y-1 rounded-md px-2.5 py-1 hover:bg-sunken [&::-webkit-details-marker]:hidden">
        <ChevronRight
          className="size-4 shrink-0 text-muted transition-transform group-open/call:rotate-90"
          aria-hidden="true"
        />
        <Wrench className="size-3.5 shrink-0 text-muted" aria-hidden="true" />
        <span className="min-w-0 font-medium break-words">{title}</span>
        {summary && (
          <bdi className="min-w-0 flex-1 basis-40 truncate text-muted" title={summary}>
            {showHidden(summary)}
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
          <Exact label={`Result of ${title}`} heading="Result, as the model was shown it" text={showHidden(result)} />
        )}
      </div>
    </details>
  )
}

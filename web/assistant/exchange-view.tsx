/** One question with its answer, who gave it, and what became of it. */
import { Bot, RotateCw } from 'lucide-react'
import { memo } from 'react'
import { formatNumber } from '../platform/format.ts'
import { StatePill } from '../ui/badge.tsx'
import { Button } from '../ui/button.tsx'
import { ErrorNote } from '../ui/error-state.tsx'
import { AnswerText } from './answer-text.tsx'
import { type Exchange, isRunning } from './dialogue.ts'

export const ExchangeView = memo(function ExchangeView({
  exchange,
  onAskAgain,
}: {
  exchange: Exchange
  /** Undefined while another question is being answered. */
  onAskAgain: ((question: string) => void) | undefined
}) {
  const { question, answer, state, error } = exchange
  return (
    <li className="grid gap-3">
      <div className="flex justify-end">
        <p
          dir="auto"
          className="max-w-prose min-w-0 rounded-lg bg-accent-tint px-3.5 py-2 break-words whitespace-pre-wrap"
        >
          <span className="sr-only">You asked: </span>
          {question}
        </p>
      </div>
      <div className="flex min-w-0 gap-3">
        <span className="flex size-7 shrink-0 items-center justify-center rounded-full bg-sunken text-soft">
          <Bot className="size-4" aria-hidden="true" />
        </span>
        <div className="grid min-w-0 flex-1 gap-2 pt-0.5">
          <span className="sr-only">The assistant: </span>
          {state === 'waiting' && <StatePillLine>Thinking</StatePillLine>}
          {answer && <AnswerText answer={answer} />}
          {error && <ErrorNote error={error} />}
          <div className="flex min-h-8 flex-wrap items-center gap-x-3 gap-y-1 text-xs text-muted">
            <Origin exchange={exchange} />
            {state === 'stopped' && (
              <StatePill tone="unknown">{answer ? 'Stopped by you' : 'Stopped before an answer arrived'}</StatePill>
            )}
            {(state === 'failed' || state === 'stopped') && onAskAgain && (
              <Button size="sm" variant="quiet" icon={RotateCw} onClick={() => onAskAgain(question)}>
                Ask again
              </Button>
            )}
          </div>
        </div>
      </div>
    </li>
  )
})

function StatePillLine({ children }: { children: string }) {
  return (
    <p>
      <StatePill tone="busy">{children}</StatePill>
    </p>
  )
}

function Origin({ exchange }: { exchange: Exchange }) {
  const { provider, model, usage } = exchange
  if (!provider) return null
  const counts = [
    usage?.input_tokens != null && `${formatNumber(usage.input_tokens)} tokens in`,
    usage?.output_tokens != null && `${formatNumber(usage.output_tokens)} out`,
  ].filter(Boolean)
  return (
    <span>
      {model ? `${provider}, ${model}` : provider}
      {!isRunning(exchange) && counts.length > 0 && ` · ${counts.join(', ')}`}
    </span>
  )
}

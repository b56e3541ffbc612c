/** One question with its answer: text, tool calls, the providers that answered or failed, and its outcome. */
import { Bot, RotateCw } from 'lucide-react'
import { memo } from 'react'
import type { AnswerBlock, AssistantAnswer, AssistantToolCall, Citation } from '../../contract/answers.ts'
import { ApiProblem } from '../platform/api-client.ts'
import { StatePill } from '../ui/badge.tsx'
import { Button } from '../ui/button.tsx'
import { ErrorNote } from '../ui/error-state.tsx'
import { isOpen } from './conversation-parts.ts'
import { MarkdownText } from './markdown-text.tsx'
import { Origin } from './origin.tsx'
import { type ProviderChoice, RetryMenu } from './retry-menu.tsx'
import { ToolCallView } from './tool-call-view.tsx'
import type { Pending } from './use-conversation.ts'

export interface ExchangeActs {
  decide(answerId: string, call: AssistantToolCall, decision: 'allow' | 'decline'): Promise<void>
  /**
   * Asks again.
   * @param provider Which is asked first; undefined for the usual order.
   */
  retry(answer: AssistantAnswer, provider: string | undefined): void
}

/**
 * One exchange.
 * @param acts Must be stable.
 */
export const ExchangeView = memo(function ExchangeView({
  answer,
  isLast,
  isCutOff,
  providers,
  acts,
}: {
  answer: AssistantAnswer
  /** Only the last answer can be repeated. */
  isLast: boolean
  /** Whether the answer grows on the server while this page is disconnected. */
  isCutOff: boolean
  providers: readonly ProviderChoice[]
  acts: ExchangeActs
}) {
  const { id, question, blocks, state, problem } = answer
  const seen = blocks.flatMap(block => (block.type === 'tool_call' ? block.call.citations : []))
  return (
    <Frame question={question}>
      {blocks.map((block, index) => (
        <Block
          // biome-ignore lint/suspicious/noArrayIndexKey: blocks are only appended
          key={index}
          block={block}
          seen={seen}
          onDecide={(call, decision) => acts.decide(id, call, decision)}
        />
      ))}
      {state === 'running' && <BusyLine blocks={blocks} isCutOff={isCutOff} />}
      {problem && <ErrorNote error={new ApiProblem(problem)} />}
      <div className="flex min-h-8 flex-wrap items-center gap-x-3 gap-y-1 text-xs text-muted">
        <Origin answer={answer} />
        {state === 'stopped' && (
          <StatePill tone="unknown">{blocks.length > 0 ? 'Stopped' : 'Stopped before an answer arrived'}</StatePill>
        )}
        {isLast && !isOpen(answer) && (
          <RetryMenu providers={providers} onRetry={provider => acts.retry(answer, provider)} />
        )}
      </div>
    </Frame>
  )
})

/** A question whose answer has not started. */
export function PendingView({ pending: { question, error }, onAgain }: { pending: Pending; onAgain(): void }) {
  return (
    <Frame question={question.query}>
      {error ? (
        <>
          <ErrorNote error={error} />
          <div>
            <Button size="sm" icon={RotateCw} onClick={onAgain}>
              Ask again
            </Button>
          </div>
        </>
      ) : (
        <p>
          <StatePill tone="busy">Asking</StatePill>
        </p>
      )}
    </Frame>
  )
}

function Frame({ question, children }: { question: string; children: React.ReactNode }) {
  return (
    <li className="grid min-w-0 gap-3 outline-none" tabIndex={-1} data-exchange>
      <div className="flex justify-end pl-10">
        <p
          dir="auto"
          className="max-h-96 max-w-prose min-w-0 overflow-y-auto rounded-lg bg-accent-tint px-3.5 py-2 wrap-anywhere whitespace-pre-wrap"
        >
          <span className="sr-only">You asked: </span>
          {question}
        </p>
      </div>
      <div className="flex min-w-0 gap-3">
        <span className="flex size-7 shrink-0 items-center justify-center rounded-full bg-sunken text-soft max-sm:hidden">
          <Bot className="size-4" aria-hidden="true" />
        </span>
        <div className="grid min-w-0 flex-1 gap-3 pt-0.5">
          <span className="sr-only">The assistant: </span>
          {children}
        </div>
      </div>
    </li>
  )
}

const Block = memo(
  function Block({
    block,
    seen,
    onDecide,
  }: {
    block: AnswerBlock
    seen: readonly Citation[]
    onDecide(call: AssistantToolCall, decision: 'allow' | 'decline'): Promise<void>
  }) {
    return block.type === 'text' ? (
      <MarkdownText text={block.text} />
    ) : (
      <ToolCallView call={block.call} seen={seen} onDecide={onDecide} />
    )
  },
  // Messages seen before a call precede it.
  (before, after) => before.block === after.block,
)

/** Shows what the answer is waiting for; a running tool shows that itself. */
function BusyLine({ blocks, isCutOff }: { blocks: readonly AnswerBlock[]; isCutOff: boolean }) {
  const last = blocks.at(-1)
  if (isCutOff) {
    return (
      <p>
        <StatePill tone="warn">Disconnected: the answer continues on the server</StatePill>
      </p>
    )
  }
  if (last?.type === 'tool_call' && last.call.outcome === 'running') return null
  return (
    <p>
      <StatePill tone="busy">{last?.type === 'text' ? 'Writing' : 'Thinking'}</StatePill>
    </p>
  )
}

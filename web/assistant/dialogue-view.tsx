/** The questions and answers of one conversation with the question field, for its page and the panel. */
import { useQuery } from '@tanstack/react-query'
import { ArrowDown } from 'lucide-react'
import { type ReactNode, useEffect, useMemo, useRef, useState } from 'react'
import { api } from '../../contract/index.ts'
import { call } from '../platform/api-client.ts'
import { queryKeys } from '../platform/query-keys.ts'
import { Button } from '../ui/button.tsx'
import { ErrorState } from '../ui/error-state.tsx'
import { SkeletonRows } from '../ui/skeleton.tsx'
import { useToast } from '../ui/toast.tsx'
import { AnnouncedState } from './announced-state.tsx'
import { Composer, type ComposerProps } from './composer.tsx'
import { isRunning } from './conversation-parts.ts'
import { ExchangeView, PendingView } from './exchange-view.tsx'
import { NoModel } from './no-model.tsx'
import type { PageContext } from './page-context.ts'
import type { OpenConversation } from './use-conversation.ts'
import { useIsCutOff } from './use-is-cut-off.ts'
import { useStickToEnd } from './use-stick-to-end.ts'

/** Exchanges rendered at first; earlier ones on request. */
const shownAtFirst = 20
const none: readonly never[] = []

export function DialogueView({
  id,
  open,
  context,
  contextChip,
  takesFocus,
  empty,
}: {
  /** Undefined before the first question. */
  id: string | undefined
  open: OpenConversation
  context?: PageContext | undefined
  contextChip?: ComposerProps['context']
  takesFocus?: ComposerProps['takesFocus']
  /** Renders the state before the first question. */
  empty(ask: (question: string) => void): ReactNode
}) {
  const providers = useQuery({
    queryKey: queryKeys.providers,
    queryFn: ({ signal }) => call(api.assistant.listProviders, { signal }),
  })
  const { conversation, query, pending, isBusy, isAnswering } = open
  const [shown, setShown] = useState(shownAtFirst)
  const scroller = useRef<HTMLDivElement>(null)
  const content = useRef<HTMLDivElement>(null)
  const { isAtEnd, toEnd, handlers } = useStickToEnd(scroller, content)
  const toast = useToast()
  const newest = useRef({ open, toEnd })
  useEffect(() => {
    newest.current = { open, toEnd }
  })
  // biome-ignore lint/correctness/useExhaustiveDependencies: another conversation opens at its end
  useEffect(() => newest.current.toEnd(), [id])
  const acts = useMemo(
    () => ({
      decide: (...given: Parameters<OpenConversation['decide']>) => newest.current.open.decide(...given),
      retry: ({ id, question }: { id: string; question: string }, provider: string | undefined) => {
        newest.current.toEnd()
        newest.current.open.ask({ query: question, replaces: id, provider })
      },
    }),
    [],
  )
  const ask = (question: string) => {
    toEnd()
    open.ask({ query: question, context })
  }
  const stop = () => {
    open.stop().catch((error: Error) => toast({ tone: 'bad', title: 'The answer continues', detail: error.message }))
  }
  const hasModel = providers.data === undefined || providers.data.items.length > 0
  const isCutOff = useIsCutOff()
  const obstacle = obstacleOf({ isCutOff, hasModel, isWaiting: isBusy && !isAnswering })
  const replaced = pending?.question.replaces
  const items = (conversation?.items ?? none).filter(({ id }) => id !== replaced)
  const isEmpty = id === undefined && !pending
  if (isEmpty && !hasModel) return <NoModel onRetry={() => void providers.refetch()} />
  return (
    <>
      <div className="relative flex min-h-0 flex-1 flex-col">
        <section
          ref={scroller}
          aria-label="Questions and answers"
          // biome-ignore lint/a11y/noNoninteractiveTabindex: scrollable content must be reachable by keyboard
          tabIndex={0}
          {...handlers}
          className="min-h-0 flex-1 overflow-x-hidden overflow-y-auto focus-visible:-outline-offset-2"
        >
          <div ref={content} className="mx-auto grid max-w-4xl gap-6 p-4">
            {isEmpty && empty(ask)}
            {id !== undefined && !conversation && !query.error && <SkeletonRows count={4} />}
            {id !== undefined && !conversation && query.error && (
              <ErrorState error={query.error} onRetry={() => void query.refetch()} />
            )}
            {items.length > shown && (
              <Button size="sm" className="justify-self-center" onClick={() => setShown(shown + 50)}>
                Show earlier questions
              </Button>
            )}
            <ol className="grid min-w-0 gap-8">
              {items.slice(-shown).map(answer => (
                <ExchangeView
                  key={answer.id}
                  answer={answer}
                  isLast={!pending && answer === items.at(-1)}
                  isCutOff={isCutOff && isRunning(answer)}
                  providers={providers.data?.items ?? none}
                  acts={acts}
                />
              ))}
              {pending && <PendingView pending={pending} onAgain={() => open.ask(pending.question)} />}
            </ol>
          </div>
        </section>
        {!isAtEnd && (
          <div className="absolute inset-x-0 bottom-2 flex justify-center">
            <Button size="sm" icon={ArrowDown} onClick={toEnd}>
              Scroll to end
            </Button>
          </div>
        )}
      </div>
      <AnnouncedState last={items.at(-1)} isAsking={pending !== undefined && !pending.error} />
      <Composer
        isBusy={isBusy}
        obstacle={obstacle}
        context={contextChip}
        takesFocus={takesFocus}
        onAsk={ask}
        onStop={stop}
      />
    </>
  )
}

function obstacleOf(now: { isCutOff: boolean; hasModel: boolean; isWaiting: boolean }): string | undefined {
  if (now.isCutOff) return 'The server cannot be reached. The answer continues there.'
  if (!now.hasModel) return 'No model is configured; earlier answers can be read.'
  return now.isWaiting ? 'The assistant waits for your decision above.' : undefined
}

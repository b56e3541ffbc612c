/** The assistant: questions and answers of this visit. */
import { useQuery } from '@tanstack/react-query'
import { ArrowDown, MessageCircleQuestionMark } from 'lucide-react'
import { useRef } from 'react'
import { api } from '../../contract/index.ts'
import { ApiProblem, call } from '../platform/api-client.ts'
import { queryKeys } from '../platform/query-keys.ts'
import { Badge } from '../ui/badge.tsx'
import { Button } from '../ui/button.tsx'
import { classNames } from '../ui/class-names.ts'
import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorState } from '../ui/error-state.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { SkeletonRows } from '../ui/skeleton.tsx'
import { Composer } from './composer.tsx'
import type { Exchange } from './dialogue.ts'
import { ExchangeView } from './exchange-view.tsx'
import { NoModel } from './no-model.tsx'
import { useDialogue } from './use-dialogue.ts'
import { useStickToEnd } from './use-stick-to-end.ts'

/** What is left of the window between the shell's bars and padding. */
const windowHeight =
  'h-[calc(100dvh-var(--spacing-bar)-6rem)] md:h-[calc(100dvh-var(--spacing-bar)-2rem)] lg:h-[calc(100dvh-var(--spacing-bar)-3rem)]'

/** More would be a burden to listen to; the rest is on the page. */
const maxSpoken = 600

export function AssistantPage() {
  const providers = useQuery({
    queryKey: queryKeys.providers,
    queryFn: ({ signal }) => call(api.assistant.listProviders, { signal }),
  })
  const first = providers.data?.items[0]
  return (
    <div className={classNames('flex min-h-112 flex-col', windowHeight)}>
      <PageHeader
        title="Assistant"
        actions={first && <Badge>{first.model ? `${first.provider}, ${first.model}` : first.provider}</Badge>}
      />
      <section
        aria-label="Dialogue"
        className="flex min-h-0 flex-1 flex-col overflow-hidden rounded-lg border bg-surface shadow-card"
      >
        {!providers.data && providers.error && (
          <ErrorState error={providers.error} onRetry={() => void providers.refetch()} />
        )}
        {!providers.data && !providers.error && <SkeletonRows count={3} />}
        {providers.data && <Dialogue hasModel={first !== undefined} onLookAgain={() => void providers.refetch()} />}
      </section>
    </div>
  )
}

function Dialogue({ hasModel, onLookAgain }: { hasModel: boolean; onLookAgain(): void }) {
  const { dialogue, isAsking, ask, stop } = useDialogue()
  const scroller = useRef<HTMLDivElement>(null)
  const content = useRef<HTMLDivElement>(null)
  const { isAtEnd, toEnd, handlers } = useStickToEnd(scroller, content)
  const last = dialogue.at(-1)
  const refusal =
    last?.error instanceof ApiProblem && last.error.code === 'no_model_configured' ? last.error : undefined
  if (dialogue.length === 0 && !hasModel) return <NoModel detail={undefined} onRetry={onLookAgain} />
  if (dialogue.length === 1 && refusal) {
    return <NoModel detail={refusal.message} onRetry={() => ask(last?.question ?? '')} />
  }
  const askNow = (question: string) => {
    toEnd()
    ask(question)
  }
  return (
    <>
      <div className="relative flex min-h-0 flex-1 flex-col">
        <section
          ref={scroller}
          aria-label="Questions and answers"
          // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
          tabIndex={0}
          {...handlers}
          className="min-h-0 flex-1 overflow-y-auto focus-visible:-outline-offset-2"
        >
          <div ref={content} className="mx-auto max-w-4xl p-4">
            {dialogue.length === 0 && <Opening />}
            <ol className="grid gap-6">
              {dialogue.map(exchange => (
                <ExchangeView key={exchange.id} exchange={exchange} onAskAgain={isAsking ? undefined : askNow} />
              ))}
            </ol>
          </div>
        </section>
        {!isAtEnd && (
          <div className="absolute inset-x-0 bottom-2 flex justify-center">
            <Button size="sm" icon={ArrowDown} onClick={toEnd}>
              To the end
            </Button>
          </div>
        )}
      </div>
      <p role="status" className="sr-only">
        {last && spokenFor(last)}
      </p>
      <Composer isAsking={isAsking} onAsk={askNow} onStop={stop} />
    </>
  )
}

function Opening() {
  return (
    <EmptyState icon={MessageCircleQuestionMark} title="Ask about mail, IMAP or this server">
      Each question is answered on its own: the assistant sees neither earlier questions nor any mailbox. The
      conversation is lost when you leave this page.
    </EmptyState>
  )
}

/** The answer is read aloud once it is whole, not word by word; failures announce themselves. */
function spokenFor({ state, answer }: Exchange): string {
  if (state === 'waiting') return 'The assistant is thinking.'
  if (state === 'stopped') return 'The answer was stopped.'
  if (state !== 'answered') return ''
  return `The assistant answered: ${answer.slice(0, maxSpoken)}${answer.length > maxSpoken ? '… The rest is on the page.' : ''}`
}

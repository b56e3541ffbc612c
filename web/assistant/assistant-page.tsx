/** The assistant: a sidebar of conversations, and the open one. */
import { PanelLeft } from 'lucide-react'
import { useId, useRef, useState } from 'react'
import { useLocation, useParams } from 'wouter'
import { ApiProblem } from '../platform/api-client.ts'
import { formatCount } from '../platform/format.ts'
import { Button } from '../ui/button.tsx'
import { classNames } from '../ui/class-names.ts'
import { PageHeader } from '../ui/page-header.tsx'
import { ConversationList } from './conversation-list.tsx'
import { costWords } from './cost-words.ts'
import { DialogueView } from './dialogue-view.tsx'
import { Openings } from './openings.tsx'
import { useConversation } from './use-conversation.ts'

export function AssistantPage() {
  const { conversation: id } = useParams<{ conversation?: string }>()
  const [, navigate] = useLocation()
  const open = useConversation(id, begun => navigate(`/assistant/${begun}`, { replace: id === undefined }))
  const [isListOver, setListOver] = useState(false)
  const listId = useId()
  const opener = useRef<HTMLButtonElement>(null)
  const { conversation, query } = open
  const isGone = query.error instanceof ApiProblem && query.error.status === 404
  const costs = conversation
    ? [conversation.tokens > 0 && formatCount(conversation.tokens, 'token'), costWords(conversation.cost_usd)]
    : []
  return (
    <div className="flex min-h-0 flex-1 flex-col bg-surface">
      <header className="flex min-w-0 items-center gap-3 border-b px-4 py-2">
        <Button
          ref={opener}
          size="sm"
          variant="quiet"
          icon={PanelLeft}
          className="lg:hidden"
          aria-expanded={isListOver}
          aria-controls={listId}
          onClick={() => setListOver(!isListOver)}
        >
          <span className="max-sm:sr-only">Conversations</span>
        </Button>
        <PageHeader
          title="Assistant"
          windowTitle={conversation ? `${conversation.title} · Assistant` : 'Assistant'}
          className="!mb-0"
        />
        <bdi className="min-w-0 flex-1 truncate text-right text-xs text-muted max-sm:invisible">
          {conversation?.title}
        </bdi>
        <span className="shrink-0 text-xs text-muted tabular-nums">{costs.filter(Boolean).join(' · ')}</span>
      </header>
      <div className="relative flex min-h-0 flex-1">
        <aside
          id={listId}
          aria-label="Your conversations"
          onKeyDown={event => {
            if (event.key !== 'Escape' || event.defaultPrevented || !isListOver) return
            setListOver(false)
            opener.current?.focus()
          }}
          className={classNames(
            'flex min-h-0 w-72 flex-col border-r bg-surface max-lg:absolute max-lg:inset-y-0 max-lg:left-0 max-lg:z-10 max-lg:w-80 max-lg:max-w-[85%] max-lg:shadow-float lg:shrink-0',
            !isListOver && 'max-lg:hidden',
          )}
        >
          <ConversationList
            openId={id}
            onOpen={() => setListOver(false)}
            onDeleted={deleted => deleted === id && navigate('/assistant')}
          />
        </aside>
        <section aria-label="Conversation" className="flex min-h-0 min-w-0 flex-1 flex-col">
          <h2 className="sr-only">{conversation?.title ?? 'New conversation'}</h2>
          {isGone && !conversation ? (
            <Gone />
          ) : (
            <DialogueView id={id} open={open} empty={ask => <Openings onAsk={ask} />} />
          )}
        </section>
      </div>
    </div>
  )
}

function Gone() {
  return (
    <p className="m-auto max-w-prose p-6 text-center text-soft">
      No such conversation: it was deleted, has expired, or belongs to another user.
    </p>
  )
}

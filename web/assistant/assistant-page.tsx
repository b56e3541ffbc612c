/** The assistant: conversations at the side, the open one beside them. */
import { PanelLeft } from 'lucide-react'
import { useId, useState } from 'react'
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
  const { conversation, query } = open
  const isGone = query.error instanceof ApiProblem && query.error.status === 404
  return (
    <div className="flex min-h-0 flex-1">
      <aside
        id={listId}
        aria-label="Your conversations"
        className={classNames(
          'flex min-h-0 flex-col border-r bg-surface max-lg:absolute max-lg:inset-y-0 max-lg:left-0 max-lg:z-10 max-lg:w-80 max-lg:max-w-[85%] max-lg:shadow-float lg:w-72 lg:shrink-0',
          !isListOver && 'max-lg:hidden',
        )}
      >
        <ConversationList
          openId={id}
          onOpen={() => setListOver(false)}
          onDeleted={deleted => deleted === id && navigate('/assistant')}
        />
      </aside>
      <div className="flex min-h-0 min-w-0 flex-1 flex-col">
        <div className="flex items-center gap-2 border-b bg-surface px-4 py-2">
          <Button
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
            className="!mb-0 min-w-0 flex-1"
            actions={
              conversation && (
                <p className="min-w-0 truncate text-xs text-muted tabular-nums">
                  <bdi className="max-sm:sr-only">{conversation.title} · </bdi>
                  {[formatCount(conversation.tokens, 'token'), costWords(conversation.cost_usd)]
                    .filter(Boolean)
                    .join(' · ')}
                </p>
              )
            }
          />
        </div>
        <section aria-label="Conversation" className="flex min-h-0 flex-1 flex-col bg-surface">
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
      There is no such conversation: it was deleted, is older than conversations are kept, or belongs to somebody else.
    </p>
  )
}

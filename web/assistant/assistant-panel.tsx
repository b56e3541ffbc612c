/** The assistant beside any page; it gets the page as context unless the user removes it. */
import { Expand, SquarePen, X } from 'lucide-react'
import { useState } from 'react'
import { Link, useLocation, useSearch } from 'wouter'
import type { Early } from '../shell/early-field.tsx'
import { destinations, isHere } from '../shell/navigation.ts'
import { IconButton } from '../ui/icon-button.tsx'
import { useReturnFocus } from '../ui/use-return-focus.ts'
import { DialogueView } from './dialogue-view.tsx'
import { Suggestions } from './openings.tsx'
import { pageContextOf, suggestionsFor, wordsOfContext } from './page-context.ts'
import { useConversation } from './use-conversation.ts'

export function AssistantPanel({
  early,
  place,
  conversationId,
  onConversation,
  onClose,
}: {
  early: Early
  /** Class names for its position. */
  place: string
  /** The conversation that was open when the panel was closed. */
  conversationId: string | undefined
  onConversation(id: string | undefined): void
  onClose(): void
}) {
  const [pathname] = useLocation()
  const context = pageContextOf(pathname, useSearch())
  const page = destinations.find(({ href }) => isHere(pathname, href))?.label ?? 'Profile'
  // The removed context; another page's context is attached again.
  const [removed, setRemoved] = useState('')
  const isRemoved = removed === context.path
  const open = useConversation(conversationId, onConversation)
  useReturnFocus(early.opener)
  return (
    <aside
      id="assistant"
      aria-label="Assistant"
      className={place}
      onKeyDown={event => {
        // Popovers inside close first.
        if (event.key !== 'Escape' || event.defaultPrevented || event.nativeEvent.isComposing) return
        if (event.target instanceof Element && event.target.closest('dialog')) return
        event.preventDefault()
        onClose()
      }}
    >
      <header className="flex min-h-bar items-center gap-1 border-b py-1.5 pr-1.5 pl-4">
        <h2 className="min-w-0 flex-1 truncate font-semibold">
          <bdi>{open.conversation?.title ?? 'Assistant'}</bdi>
        </h2>
        {conversationId !== undefined && (
          <>
            <IconButton icon={SquarePen} label="New conversation" onClick={() => onConversation(undefined)} />
            <Link
              href={`/assistant/${conversationId}`}
              aria-label="Open on its own page"
              title="Open on its own page"
              className="inline-flex size-9 items-center justify-center rounded-md text-soft hover:bg-sunken hover:text-ink"
            >
              <Expand className="size-4.5" aria-hidden="true" />
            </Link>
          </>
        )}
        <IconButton icon={X} label="Close the assistant" onClick={onClose} />
      </header>
      <DialogueView
        id={conversationId}
        open={open}
        context={isRemoved ? undefined : context}
        contextChip={
          isRemoved ? undefined : { label: wordsOfContext(context, page), onRemove: () => setRemoved(context.path) }
        }
        takesFocus={early}
        empty={ask => (
          <div className="grid gap-3 py-4">
            <p className="text-sm text-soft">Ask about what is on this page, or anything else.</p>
            <Suggestions questions={suggestionsFor(context)} onAsk={ask} />
          </div>
        )}
      />
    </aside>
  )
}

/** The sidebar of conversations: search, open, rename, export and delete. */
import { Download, Pencil, Plus, Trash2 } from 'lucide-react'
import { useDeferredValue, useState } from 'react'
import { Link } from 'wouter'
import type { ConversationSummary } from '../../contract/conversations.ts'
import { StatePill } from '../ui/badge.tsx'
import { Button } from '../ui/button.tsx'
import { classNames } from '../ui/class-names.ts'
import { ErrorState } from '../ui/error-state.tsx'
import { Input } from '../ui/field.tsx'
import { MoreActions } from '../ui/more-actions.tsx'
import { RelativeTime } from '../ui/relative-time.tsx'
import { SkeletonRows } from '../ui/skeleton.tsx'
import { useToast } from '../ui/toast.tsx'
import { DeleteConversation, RenameConversation } from './conversation-dialogs.tsx'
import { exportConversation, useConversations } from './use-conversations.ts'

export function ConversationList({
  openId,
  onOpen,
  onDeleted,
}: {
  openId: string | undefined
  /** Called on opening one, to close the list if it covers the conversation. */
  onOpen(): void
  onDeleted(id: string): void
}) {
  const [words, setWords] = useState('')
  const list = useConversations(useDeferredValue(words.trim()))
  const items = list.data?.pages.flatMap(page => page.items)
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <search className="grid gap-2 border-b p-3">
        <Link
          href="/assistant"
          onClick={onOpen}
          className="inline-flex min-h-9 items-center justify-center gap-2 rounded-md border border-line-strong bg-surface px-3.5 font-medium hover:bg-sunken"
        >
          <Plus className="size-4" aria-hidden="true" />
          New conversation
        </Link>
        <Input
          type="search"
          aria-label="Search conversations"
          placeholder="Search conversations"
          maxLength={200}
          value={words}
          onChange={event => setWords(event.target.value)}
        />
      </search>
      <div className="min-h-0 flex-1 overflow-y-auto">
        {!items && list.error && <ErrorState error={list.error} onRetry={() => void list.refetch()} />}
        {!items && !list.error && <SkeletonRows count={5} />}
        {items?.length === 0 && (
          <p className="px-4 py-6 text-center text-sm text-muted">
            {words.trim() ? 'No matching conversation.' : 'Your conversations are kept here.'}
          </p>
        )}
        {items && items.length > 0 && (
          <ul aria-label="Conversations" className="grid gap-px p-1.5">
            {items.map(item => (
              <Row key={item.id} item={item} isOpen={item.id === openId} onOpen={onOpen} onDeleted={onDeleted} />
            ))}
          </ul>
        )}
        {list.hasNextPage && (
          <div className="flex justify-center p-2">
            <Button size="sm" isBusy={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
              Show older
            </Button>
          </div>
        )}
      </div>
    </div>
  )
}

function Row({
  item: { id, title, updated_at: at, state },
  isOpen,
  onOpen,
  onDeleted,
}: {
  item: ConversationSummary
  isOpen: boolean
  onOpen(): void
  onDeleted(id: string): void
}) {
  const [dialog, setDialog] = useState<'rename' | 'delete'>()
  const toast = useToast()
  const close = () => setDialog(undefined)
  const save = () => {
    exportConversation(id).catch((error: Error) =>
      toast({ tone: 'bad', title: 'The conversation was not exported', detail: error.message }),
    )
  }
  return (
    <li
      className={classNames(
        'flex min-w-0 items-center rounded-md has-[a:focus-visible]:outline-2',
        isOpen ? 'bg-accent-tint' : 'hover:bg-sunken',
      )}
    >
      <div className="grid min-w-0 flex-1 py-1.5 pl-2.5">
        <Link
          href={`/assistant/${id}`}
          onClick={onOpen}
          aria-current={isOpen ? 'page' : undefined}
          className={classNames('truncate text-sm', isOpen && 'font-semibold text-accent forced-colors:underline')}
        >
          <bdi>{title || 'Untitled'}</bdi>
        </Link>
        <span className="flex min-h-5 items-center gap-2 text-xs text-muted">
          {state === 'running' && <StatePill tone="busy">Answering</StatePill>}
          {state === 'waiting' && <StatePill tone="warn">Waiting for you</StatePill>}
          {state === 'idle' && <RelativeTime at={at} />}
        </span>
      </div>
      <MoreActions
        isIcon
        subject={title}
        actions={[
          { label: 'Rename', icon: Pencil, onChoose: () => setDialog('rename') },
          { label: 'Export as Markdown', icon: Download, onChoose: save },
          { label: 'Delete', icon: Trash2, isDangerous: true, onChoose: () => setDialog('delete') },
        ]}
      />
      {dialog === 'rename' && <RenameConversation id={id} title={title} onClose={close} />}
      {dialog === 'delete' && (
        <DeleteConversation id={id} title={title} onClose={close} onDeleted={() => onDeleted(id)} />
      )}
    </li>
  )
}

/** A conversation from its first message to its newest, including one's own replies; read messages are collapsed. */

import { useQuery } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import { api } from '../../contract/index.ts'
import type { IndexedMessage } from '../../contract/mail-index.ts'
import { ApiProblem, call } from '../platform/api-client.ts'
import { lowerAscii } from '../platform/ascii-case.ts'
import { formatCount } from '../platform/format.ts'
import { queryKeys } from '../platform/query-keys.ts'
import { ErrorState } from '../ui/error-state.tsx'
import { foldMiddle } from './conversation-folds.ts'
import { ConversationMessage } from './conversation-message.tsx'
import { MessageSkeleton } from './mail-skeletons.tsx'
import { subjectOf } from './mail-words.ts'
import { OpenMessage, type OpenProps } from './open-message.tsx'
import { useKnownHead } from './use-known-head.ts'

export interface ConversationProps extends OpenProps {
  threadId: string
  ownEmail: string
}

export function ConversationView({ threadId, ownEmail, ...open }: ConversationProps) {
  const { accountId, messageRef } = open
  const { data, error, refetch } = useQuery({
    queryKey: queryKeys.thread(accountId, threadId),
    queryFn: ({ signal }) =>
      call(api.mailIndex.getThread, {
        params: { account_id: accountId, thread_id: threadId },
        query: { preview: 'true' },
        signal,
      }),
  })
  const known = useKnownHead(accountId, messageRef)
  // The thread may have been merged into another one; the message still exists.
  const isGone = error instanceof ApiProblem && (error.code === 'thread_not_found' || error.code === 'index_off')
  if (isGone) return <OpenMessage key={messageRef} {...open} />
  if (!data && error) return <ErrorState error={error} onRetry={() => void refetch()} />
  if (!data) return known ? <Waiting subject={subjectOf(known)} /> : <MessageSkeleton />
  const [only] = data.messages
  if (only && data.messages.length === 1) return <OpenMessage key={only.id} {...open} messageRef={only.ref} />
  return <Conversation {...open} messages={data.messages} hasOlder={data.has_older} ownEmail={ownEmail} />
}

function Waiting({ subject }: { subject: string }) {
  return (
    <div className="px-4 py-4" aria-busy="true">
      <h2 dir="auto" className="text-lg font-semibold">
        <bdi>{subject}</bdi>
      </h2>
    </div>
  )
}

function Conversation({
  accountId,
  messageRef,
  messages,
  hasOlder,
  ownEmail,
  takesFocus,
  preferred,
  onPrefer,
}: OpenProps & { messages: readonly IndexedMessage[]; hasOlder: boolean; ownEmail: string }) {
  const heading = useRef<HTMLHeadingElement>(null)
  const { isOpen, toggle } = useOpenOnes(messages, messageRef)
  const [isWhole, setWhole] = useState(false)
  useEffect(() => {
    if (takesFocus && document.activeElement === document.body) heading.current?.focus()
  }, [takesFocus])
  const newest = messages.at(-1)
  const { before, hidden, after } = foldMiddle(messages, isWhole ? () => true : isOpen)
  const shown = (message: IndexedMessage) => (
    <ConversationMessage
      key={message.id}
      accountId={accountId}
      message={message}
      isOwn={message.from.some(({ email }) => lowerAscii(email) === lowerAscii(ownEmail))}
      isOpen={isOpen(message)}
      onToggle={toggle}
      preferred={preferred}
      onPrefer={onPrefer}
    />
  )
  return (
    <article
      aria-label="The open conversation"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: scrollable content must be reachable by keyboard
      tabIndex={0}
      className="flex min-h-0 flex-1 flex-col overflow-y-auto bg-canvas/60 focus-visible:-outline-offset-2"
    >
      <header className="px-4 pt-4 pb-3">
        <h2 ref={heading} tabIndex={-1} dir="auto" className="text-lg font-semibold outline-none">
          <bdi>{newest && subjectOf(messages[0] ?? newest)}</bdi>
        </h2>
        <p className="text-xs text-muted">
          {formatCount(messages.length, 'message')}
          {hasOlder && ', the newest of a longer conversation'}
        </p>
      </header>
      <ol className="grid grid-cols-1 gap-2 px-2 pb-4 md:px-4">
        {before.map(shown)}
        {hidden.length > 0 && (
          <li>
            <button
              type="button"
              onClick={() => setWhole(true)}
              className="w-full rounded-md border border-dashed px-3 py-1.5 text-xs font-medium text-soft hover:bg-sunken hover:text-ink"
            >
              Show {formatCount(hidden.length, 'message')} in between
            </button>
          </li>
        )}
        {after.map(shown)}
      </ol>
    </article>
  )
}

/**
 * Tracks which messages are open: at first the unread ones, the newest and the requested one, then as the reader
 * toggles them.
 */
function useOpenOnes(messages: readonly IndexedMessage[], messageRef: string) {
  const [chosen, setChosen] = useState<ReadonlyMap<string, boolean>>(new Map())
  const last = messages.at(-1)?.id
  const atFirst = new Map(
    messages.map(({ id, ref, flags }) => [id, id === last || ref === messageRef || !flags.includes('seen')]),
  )
  // A message that becomes read elsewhere does not collapse in front of the reader.
  const [first, setFirst] = useState(atFirst)
  const unknown = [...atFirst].filter(([id]) => !first.has(id))
  if (unknown.length > 0) setFirst(new Map([...first, ...unknown]))
  const isOpen = ({ id }: IndexedMessage) => chosen.get(id) ?? first.get(id) ?? false
  const toggle = (message: IndexedMessage) => setChosen(before => new Map(before).set(message.id, !isOpen(message)))
  return { isOpen, toggle }
}

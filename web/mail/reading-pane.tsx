/** The reading pane: a conversation, or a single message. */
import { ArrowLeft, ChevronDown, ChevronUp, MailOpen, X } from 'lucide-react'
import { type ReactNode, type RefObject, useState } from 'react'
import { useLocation } from 'wouter'
import { ActionBar } from '../organise/action-bar.tsx'
import { wordsOf } from '../organise/organiser.ts'
import type { MailActions } from '../organise/use-mail-actions.ts'
import { usePressKey } from '../shell/page-keys.ts'
import { ButtonLink } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { IconButton } from '../ui/icon-button.tsx'
import { ConversationView } from './conversation-view.tsx'
import type { MailRow } from './mail-row.ts'
import type { BodyKind } from './message-body.tsx'
import { OpenMessage } from './open-message.tsx'
import { Pane } from './pane.tsx'
import { useOpenRow } from './use-open-row.ts'

export function ReadingPane({
  accountId,
  ownEmail,
  messageRef,
  threadId,
  backHref,
  opened,
  actions,
  className,
}: {
  accountId: string
  /** The account's address, whose messages are the reader's own. */
  ownEmail: string
  /** The open message; empty if none is. */
  messageRef: string
  /** Its thread; empty for a single message. */
  threadId: string
  backHref: string
  /** Set to a function that returns the open row, for actions on it. */
  opened: RefObject<(() => MailRow | undefined) | null>
  actions: MailActions
  className: string
}) {
  // The preferred view applies to later messages, too; permission to load remote content does not.
  const [preferred, setPreferred] = useState<BodyKind>('html')
  // A message opened by a link does not take the focus from the start of the page.
  const [firstRef] = useState(messageRef)
  const row = useOpenRow({ accountId, messageRef, threadId, opened })
  if (!messageRef) return <NothingOpen className={className} />
  const shown = {
    accountId,
    messageRef,
    backHref,
    takesFocus: messageRef !== firstRef,
    preferred,
    onPrefer: setPreferred,
  }
  return (
    <Pane label="Message" className={className}>
      <ToolBar backHref={backHref}>{row && <OpenActions row={row} actions={actions} />}</ToolBar>
      {/* As high as there is room even while loading, so that the bar below stays in place on phones. */}
      <div className="flex min-h-0 flex-1 flex-col">
        {threadId ? (
          <ConversationView key={threadId} {...shown} threadId={threadId} ownEmail={ownEmail} />
        ) : (
          <OpenMessage key={messageRef} {...shown} />
        )}
      </div>
    </Pane>
  )
}

/** The toolbar; on phones at the bottom, at thumb's reach. */
function ToolBar({ backHref, children }: { backHref: string; children: ReactNode }) {
  const press = usePressKey()
  const [, navigate] = useLocation()
  return (
    <div className="flex min-h-11 shrink-0 items-center gap-x-1 border-b px-1.5 py-1 max-md:order-last max-md:border-t max-md:border-b-0 max-sm:flex-wrap">
      <span className="md:hidden">
        <ButtonLink href={backHref} variant="quiet" size="sm" icon={ArrowLeft}>
          Back to the messages
        </ButtonLink>
      </span>
      <span className="flex max-md:order-last max-md:ml-auto md:@max-[50rem]/page:hidden">
        <IconButton icon={ChevronUp} label="Previous (k)" onClick={() => press('k')} />
        <IconButton icon={ChevronDown} label="Next (j)" onClick={() => press('j')} />
      </span>
      {children}
      <span className="ml-auto max-md:hidden">
        <IconButton icon={X} label="Close (u)" onClick={() => press('u') || navigate(backHref)} />
      </span>
    </div>
  )
}

/** Actions on the open row; on phones on a line of their own. */
function OpenActions({ row, actions: { act, placeOf } }: { row: MailRow; actions: MailActions }) {
  if (!act) return null
  return (
    <span className="max-sm:order-first max-sm:basis-full @min-[50rem]/page:ml-2 @min-[50rem]/page:border-l @min-[50rem]/page:pl-2">
      <ActionBar rows={[row]} place={placeOf([row])} subject={wordsOf([row])} onAct={action => act(action, 'opened')} />
    </span>
  )
}

const keys: readonly (readonly [string, string])[] = [
  ['j', 'next'],
  ['k', 'previous'],
  ['o', 'open'],
  ['u', 'back to the list'],
  ['x', 'select'],
  ['e', 'archive'],
  ['#', 'trash'],
  ['z', 'undo'],
  ['/', 'search'],
  ['?', 'all shortcuts'],
]

function NothingOpen({ className }: { className: string }) {
  return (
    <Pane label="Message" className={className}>
      <div className="grid flex-1 place-items-center bg-canvas/60">
        <EmptyState icon={MailOpen} title="No message open">
          <p>Choose one from the list.</p>
          <dl className="mx-auto mt-4 grid w-fit grid-cols-[auto_auto] gap-x-3 gap-y-1.5 text-left text-xs">
            {keys.map(([key, does]) => (
              <div key={key} className="contents">
                <dt className="text-right">
                  <kbd className="inline-block min-w-6 rounded-sm border bg-surface px-1.5 text-center font-mono">
                    {key}
                  </kbd>
                </dt>
                <dd className="text-muted">{does}</dd>
              </div>
            ))}
          </dl>
        </EmptyState>
      </div>
    </Pane>
  )
}

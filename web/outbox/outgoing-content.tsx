/** A message as it will be sent, rendered from its bytes: as the recipient sees it, its new parts, and its headers. */
import { type ReactNode, type RefObject, useState } from 'react'
import type { DraftAttachment, MessageContent } from '../../contract/draft.ts'
import { formatBytes, formatCount } from '../platform/format.ts'
import { visibleText } from '../platform/visible-text.ts'
import { ToneIcon } from '../ui/badge.tsx'
import { classNames } from '../ui/class-names.ts'
import { FileRiskBadge } from '../ui/file-risk-badge.tsx'
import { OutgoingFrame } from './outgoing-frame.tsx'
import { OutgoingLinks } from './outgoing-links.tsx'
import { OutgoingText } from './outgoing-text.tsx'

export interface ContentView {
  id: string
  label: string
  children: ReactNode
}

/**
 * @param frameSource Address of the HTML part, for the frame.
 * @param onSeen Called when the frame has loaded and was measured.
 * @param body Ref of the message itself, below the tabs.
 * @param more Further tabs.
 */
export function OutgoingContent({
  content,
  frameSource,
  onSeen,
  body,
  more = [],
}: {
  content: MessageContent
  frameSource: string
  onSeen?: () => void
  body?: RefObject<HTMLDivElement | null>
  more?: readonly ContentView[]
}) {
  const views: readonly ContentView[] = [
    ...(content.html === null
      ? []
      : [
          {
            id: 'html',
            label: 'Message',
            children: (
              <OutgoingFrame key={frameSource} source={frameSource} unseen={content.unseen_words} onSeen={onSeen} />
            ),
          },
        ]),
    { id: 'text', label: content.html === null ? 'Message' : 'Text', children: <OutgoingText content={content} /> },
    ...more,
    { id: 'source', label: 'Headers', children: <Headers content={content} /> },
  ]
  const [chosen, setChosen] = useState('')
  const view = views.find(({ id }) => id === chosen) ?? views[0]!
  return (
    <section aria-label="What will be sent" className="min-w-0 border-b">
      <Unseen content={content} />
      <OutgoingLinks html={content.html} />
      <fieldset className="relative flex flex-wrap items-center gap-1 border-b px-4 py-1.5">
        <legend className="sr-only">Show</legend>
        {views.map(({ id, label }) => (
          <button
            key={id}
            type="button"
            aria-pressed={id === view.id}
            onClick={() => setChosen(id)}
            className={classNames(
              'min-h-11 rounded-md px-3 text-sm font-medium md:min-h-8',
              id === view.id ? 'bg-sunken text-ink' : 'text-muted hover:text-ink',
            )}
          >
            {label}
          </button>
        ))}
      </fieldset>
      <div ref={body}>{view.children}</div>
    </section>
  )
}

/** A warning about hidden text: an approval covers all that is sent, and not only what is visible. */
function Unseen({ content: { html, unseen_words: words } }: { content: MessageContent }) {
  if (html === null || words === '') return null
  return (
    <div role="note" className="flex items-start gap-2 border-b bg-warn-tint px-4 py-2.5 text-sm">
      <span className="mt-0.5">
        <ToneIcon tone="warn" />
      </span>
      <div className="min-w-0 grow">
        <p>
          {words === null
            ? 'This message could not be checked for hidden words.'
            : 'These words are sent too, but are invisible in the message:'}
        </p>
        {words !== null && (
          <p
            dir="auto"
            // biome-ignore lint/a11y/noNoninteractiveTabindex: scrollable content must be reachable by keyboard
            tabIndex={0}
            className="mt-1 max-h-40 overflow-y-auto font-mono text-xs wrap-anywhere"
          >
            {visibleText(words)}
          </p>
        )}
      </div>
    </div>
  )
}

function Headers({ content: { headers, size_bytes: size, sha256 } }: { content: MessageContent }) {
  return (
    <div className="grid grid-cols-1 gap-3 p-4">
      <dl className="grid gap-1 font-mono text-xs">
        {headers.map(({ name, value }, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a header may occur twice, and the list never changes
          <div key={index} className="min-w-0 wrap-anywhere">
            <dt className="inline font-semibold">{visibleText(name)}: </dt>
            <dd className="inline text-soft">{visibleText(value)}</dd>
          </div>
        ))}
      </dl>
      <p className="text-xs wrap-anywhere text-muted">
        {formatBytes(size)}, SHA-256 <code className="font-mono">{sha256}</code>
      </p>
    </div>
  )
}

/** @param hrefOf Returns a download address; undefined if there is none. */
export function OutgoingAttachments({
  attachments,
  hrefOf = () => undefined,
}: {
  attachments: readonly DraftAttachment[]
  hrefOf?: (attachment: DraftAttachment) => string | undefined
}) {
  if (attachments.length === 0) return null
  return (
    <section aria-label="Attachments" className="border-b px-4 py-2.5">
      <p className="mb-1.5 text-xs text-muted">{formatCount(attachments.length, 'attachment')}</p>
      <ul className="flex flex-wrap gap-1.5">
        {attachments.map(attachment => (
          <li key={attachment.id} className="max-w-full min-w-0 rounded-md border">
            <Attachment attachment={attachment} href={hrefOf(attachment)} />
          </li>
        ))}
      </ul>
    </section>
  )
}

function Attachment({ attachment, href }: { attachment: DraftAttachment; href: string | undefined }) {
  const { name, type, size_bytes: size, sha256 } = attachment
  const words = (
    <>
      {/* In full: the end of a name decides what opens the file. */}
      <bdi className={classNames('block text-sm wrap-anywhere', href !== undefined && 'font-medium text-accent')}>
        {visibleText(name)}
      </bdi>
      <span className="block text-xs wrap-anywhere text-muted">
        {visibleText(type)}, {formatBytes(size)}
      </span>
      <FileRiskBadge name={name} type={type} />
    </>
  )
  const look = 'block min-w-0 rounded-md px-2.5 py-1.5'
  if (href === undefined) {
    return (
      <div className={look} title={`SHA-256 ${sha256}`}>
        {words}
      </div>
    )
  }
  return (
    <a href={href} download className={classNames(look, 'hover:bg-sunken')} title={`Download, SHA-256 ${sha256}`}>
      <span className="sr-only">Download </span>
      {words}
    </a>
  )
}

/** The body of a message, as text or HTML. */
import type { Message } from '../../contract/mail.ts'
import { ToneIcon } from '../ui/badge.tsx'
import { Button } from '../ui/button.tsx'
import { classNames } from '../ui/class-names.ts'
import { CalendarCard } from './calendar-card.tsx'
import { HtmlFrame } from './html-frame.tsx'
import { LinkedText } from './linked-text.tsx'

export type BodyKind = 'html' | 'text'

const kinds: readonly { kind: BodyKind; label: string }[] = [
  { kind: 'html', label: 'HTML' },
  { kind: 'text', label: 'Text' },
]

export function MessageBody({
  accountId,
  message,
  preferred,
  onPrefer,
  isPart = false,
}: {
  accountId: string
  message: Message
  preferred: BodyKind
  onPrefer(kind: BodyKind): void
  /** Whether it is part of a conversation, where the frame is about as high as its content rather than the window. */
  isPart?: boolean
}) {
  const { ref, text, html, is_truncated: isTruncated, parts_differ: isTwofold, text_from: textFrom } = message
  const kind = html === null ? 'text' : text === null ? 'html' : preferred
  return (
    <div className="flex flex-1 flex-col">
      {message.attached_to !== null && (
        <p role="note" className="flex items-center gap-2 border-b bg-warn-tint px-4 py-2 text-sm">
          <ToneIcon tone="warn" />
          This message is attached to another one. Its sender was not verified.
        </p>
      )}
      {message.calendar && <CalendarCard calendar={message.calendar} />}
      {text !== null && html !== null && <KindSwitch kind={kind} onChoose={onPrefer} />}
      {isTwofold && <TwoTexts kind={kind} isMade={textFrom === 'html'} onChoose={onPrefer} />}
      {!isTwofold && kind === 'text' && textFrom === 'html' && (
        <p className="border-b px-4 py-2 text-sm text-muted">This text was generated from the HTML of the message.</p>
      )}
      {isTwofold === null && (
        <p className="border-b px-4 py-2 text-sm text-muted">
          The text and HTML of this message could not be compared in time. They may differ.
        </p>
      )}
      {isTruncated && (
        <p className="flex items-center gap-2 border-b bg-warn-tint px-4 py-2 text-sm">
          <ToneIcon tone="warn" />
          This message is very long. Only the first 1 MiB of a part is shown.
        </p>
      )}
      {kind === 'html' && html !== null && (
        <HtmlFrame
          accountId={accountId}
          messageRef={ref}
          html={html}
          heightRem={isPart ? frameHeight(html, text) : undefined}
        />
      )}
      {kind === 'text' && text !== null && (
        <div dir="auto" className="max-w-3xl p-4 text-base break-words whitespace-pre-wrap [unicode-bidi:plaintext]">
          <LinkedText text={text} />
        </div>
      )}
      {text === null && html === null && <p className="p-4 text-muted">This message has no text.</p>}
    </div>
  )
}

/**
 * Estimates the height in rem from the content, because a sandboxed frame cannot be measured; longer content scrolls.
 */
function frameHeight(html: string, text: string | null): number {
  const lines = (text ?? '').split('\n').reduce((sum, line) => sum + Math.max(1, Math.ceil(line.length / 80)), 0)
  const pictures = html.split(/<img\b/i, 4).length - 1
  return Math.min(Math.max(lines * 1.4 + pictures * 8 + 3, 8), 40)
}

/** A warning that the text says things which the HTML, shown by default, does not. */
function TwoTexts({
  kind,
  isMade,
  onChoose,
}: {
  kind: BodyKind
  /** Whether the text was generated from the HTML, which says far more than the message's own text. */
  isMade: boolean
  onChoose(kind: BodyKind): void
}) {
  const other = kind === 'html' ? 'text' : 'html'
  return (
    <div role="note" className="flex flex-wrap items-center gap-x-3 gap-y-2 border-b bg-warn-tint px-4 py-2 text-sm">
      <p className="flex grow basis-72 items-start gap-2">
        <span className="mt-0.5">
          <ToneIcon tone="warn" />
        </span>
        This message has a text and an HTML version, and the text contains words that the HTML does not show.{' '}
        {isMade
          ? 'It says far less than the HTML, so the text here was generated from that.'
          : `You see the ${kind === 'html' ? 'HTML' : 'text'}.`}
      </p>
      <Button size="sm" onClick={() => onChoose(other)}>
        Show the {other === 'html' ? 'HTML' : 'text'}
      </Button>
    </div>
  )
}

function KindSwitch({ kind, onChoose }: { kind: BodyKind; onChoose(kind: BodyKind): void }) {
  return (
    <fieldset className="relative flex items-center gap-1 border-b px-4 py-0.5 md:py-1.5">
      <legend className="sr-only">Show as</legend>
      {kinds.map(({ kind: each, label }) => (
        <button
          key={each}
          type="button"
          aria-pressed={each === kind}
          onClick={() => onChoose(each)}
          className={classNames(
            'min-h-7 rounded-md px-2.5 text-xs font-medium',
            each === kind ? 'bg-sunken text-ink' : 'text-muted hover:text-ink',
          )}
        >
          {label}
        </button>
      ))}
    </fieldset>
  )
}

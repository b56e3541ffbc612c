/** The question field. Enter sends, Shift+Enter inserts a line break; the context is shown above it. */
import { Link2, SendHorizontal, Square, X } from 'lucide-react'
import { type KeyboardEvent, useLayoutEffect, useRef, useState } from 'react'
import { formatNumber } from '../platform/format.ts'
import { Button } from '../ui/button.tsx'
import { Field, Textarea } from '../ui/field.tsx'

/** Maximum length of a question, as in the contract. */
const maxLength = 20_000

export interface ComposerProps {
  /** Whether an answer is in progress. */
  isBusy: boolean
  /** Why nothing can be asked now. */
  obstacle?: string | undefined
  /** The attached context: its label, and how to remove it. */
  context?: { label: string; onRemove(): void } | undefined
  /** Text that was typed, and perhaps submitted, before this component was loaded; it then takes the focus. */
  takesFocus?: { typed: string; isEntered: boolean } | undefined
  onAsk(question: string): void
  onStop(): void
}

export function Composer({ isBusy, obstacle, context, takesFocus, onAsk, onStop }: ComposerProps) {
  const [text, setText] = useState('')
  const field = useRef<HTMLDivElement>(null)
  const first = useRef({ takesFocus, onAsk })
  // Takes over the text only now, when keystrokes no longer reach the stand-in; in a layout effect, so that none is
  // lost.
  useLayoutEffect(() => {
    const { takesFocus: early, onAsk: askFirst } = first.current
    if (!early) return
    const typed = early.typed.trim()
    const isSent = early.isEntered && typed !== '' && typed.length <= maxLength
    setText(isSent ? '' : early.typed)
    const area = field.current?.querySelector('textarea')
    area?.focus()
    if (isSent) askFirst(typed)
  }, [])
  const question = text.trim()
  const isTooLong = question.length > maxLength
  const canSend = question !== '' && !isTooLong && !isBusy && obstacle === undefined
  const send = () => {
    if (!canSend) return
    onAsk(question)
    setText('')
  }
  const noteKey = (event: KeyboardEvent) => {
    // During IME composition, Enter confirms the candidate.
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return
    event.preventDefault()
    send()
  }
  const error = isTooLong
    ? `${formatNumber(question.length)} characters are too many; ${formatNumber(maxLength)} are allowed.`
    : undefined
  return (
    <form
      className="shrink-0 border-t bg-surface p-3"
      onSubmit={event => {
        event.preventDefault()
        send()
      }}
    >
      <div className="mx-auto grid max-w-4xl gap-2">
        {context && (
          <span className="flex min-h-7 max-w-full items-center gap-1.5 justify-self-start rounded-full border bg-sunken pr-1 pl-2.5 text-xs">
            <Link2 className="size-3.5 shrink-0 text-muted" aria-hidden="true" />
            <span className="truncate">
              <span className="sr-only">Asked about: </span>
              <bdi>{context.label}</bdi>
            </span>
            <button
              type="button"
              aria-label="Ask without it"
              title="Ask without it"
              onClick={() => {
                context.onRemove()
                field.current?.querySelector('textarea')?.focus()
              }}
              className="inline-flex size-6 shrink-0 items-center justify-center rounded-full text-soft hover:bg-surface hover:text-ink"
            >
              <X className="size-3.5" aria-hidden="true" />
            </button>
          </span>
        )}
        <div className="flex items-start gap-2">
          <div ref={field} className="min-w-0 flex-1">
            <Field label="Your question" hint={obstacle ?? 'Enter sends, Shift+Enter breaks the line.'} error={error}>
              <Textarea
                rows={2}
                value={text}
                onChange={event => setText(event.target.value)}
                onKeyDown={noteKey}
                className="max-h-48 resize-none field-sizing-content"
              />
            </Field>
          </div>
          {isBusy ? (
            <Button key="stop" icon={Square} onClick={onStop} className="mt-6">
              Stop
            </Button>
          ) : (
            <Button
              key="send"
              type="submit"
              variant="primary"
              icon={SendHorizontal}
              disabled={!canSend}
              className="mt-6"
            >
              Send
            </Button>
          )}
        </div>
      </div>
    </form>
  )
}

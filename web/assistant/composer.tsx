/** Where the question is written. Enter sends, Shift+Enter breaks the line. */
import { SendHorizontal, Square } from 'lucide-react'
import { type KeyboardEvent, useState } from 'react'
import { formatNumber } from '../platform/format.ts'
import { Button } from '../ui/button.tsx'
import { Field, Textarea } from '../ui/field.tsx'

/** As the contract bounds it. */
const maxLength = 20_000

export function Composer({
  isAsking,
  onAsk,
  onStop,
}: {
  isAsking: boolean
  onAsk(question: string): void
  onStop(): void
}) {
  const [text, setText] = useState('')
  const question = text.trim()
  const isTooLong = question.length > maxLength
  const canSend = question !== '' && !isTooLong && !isAsking
  const send = () => {
    if (!canSend) return
    onAsk(question)
    setText('')
  }
  const noteKey = (event: KeyboardEvent) => {
    // Enter also ends the choice of a word in scripts that need one.
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return
    event.preventDefault()
    send()
  }
  return (
    <form
      className="flex shrink-0 items-end gap-2 border-t p-3"
      onSubmit={event => {
        event.preventDefault()
        send()
      }}
    >
      <div className="min-w-0 flex-1">
        <Field
          label="Your question"
          hint="Enter sends, Shift+Enter breaks the line."
          error={
            isTooLong
              ? `${formatNumber(question.length)} characters are too many; ${formatNumber(maxLength)} are allowed.`
              : undefined
          }
        >
          <Textarea
            rows={2}
            value={text}
            onChange={event => setText(event.target.value)}
            onKeyDown={noteKey}
            className="max-h-48 resize-none field-sizing-content"
          />
        </Field>
      </div>
      {isAsking ? (
        <Button key="stop" icon={Square} onClick={onStop} className="mb-5.5">
          Stop
        </Button>
      ) : (
        <Button key="send" type="submit" variant="primary" icon={SendHorizontal} disabled={!canSend} className="mb-5.5">
          Send
        </Button>
      )}
    </form>
  )
}

/** The text of an outgoing message, exactly as it is sent, with a warning about words after a long gap. */
import { useCallback, useRef } from 'react'
import type { MessageContent } from '../../contract/draft.ts'
import { visibleLines } from '../mail/mail-words.ts'
import { type outOfSight, wordsIn } from './out-of-sight.ts'
import { OutOfSightNote } from './out-of-sight-note.tsx'
import { useOutOfSight } from './use-out-of-sight.ts'

export function OutgoingText({ content: { text } }: { content: MessageContent }) {
  const shown = useRef<HTMLDivElement>(null)
  const measure = useCallback((): Parameters<typeof outOfSight> | undefined => {
    if (!shown.current || shown.current.clientWidth === 0) return undefined
    const height = Math.min(window.innerHeight * 0.55, 448)
    return [wordsIn(shown.current), { width: shown.current.clientWidth, height }]
  }, [])
  const found = useOutOfSight(shown, measure)
  if (text === null || text.trim() === '') return <p className="p-4 text-muted">This message has no text.</p>
  return (
    <>
      <OutOfSightNote found={found} />
      <div
        ref={shown}
        dir="auto"
        className="max-w-3xl p-4 text-base break-words whitespace-pre-wrap [unicode-bidi:plaintext]"
      >
        {visibleLines(text)}
      </div>
    </>
  )
}

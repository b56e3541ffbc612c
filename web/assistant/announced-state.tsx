/** Announces to screen readers that an answer started, ended, or waits for a decision; streaming text is not read. */
import { useEffect, useRef, useState } from 'react'
import type { AssistantAnswer } from '../../contract/answers.ts'
import { isOpen, textOf, waitingCalls } from './conversation-parts.ts'

/** Maximum characters announced; the rest is on the page. */
const maxAnnounced = 300

export function AnnouncedState({ last, isAsking }: { last: AssistantAnswer | undefined; isAsking: boolean }) {
  // Answers that ended before this was mounted are not announced.
  const watched = useRef(new Set<string>())
  const [announced, setAnnounced] = useState('')
  const words = last && (isOpen(last) || watched.current.has(last.id)) ? wordsOf(last) : ''
  useEffect(() => {
    if (last && isOpen(last)) watched.current.add(last.id)
    setAnnounced(isAsking ? 'The assistant is thinking.' : words)
  }, [last, isAsking, words])
  return (
    <p role="status" className="sr-only">
      {announced}
    </p>
  )
}

function wordsOf(answer: AssistantAnswer): string {
  switch (answer.state) {
    case 'running':
      return answer.blocks.length > 0 ? 'The assistant is answering.' : 'The assistant is thinking.'
    case 'waiting':
      return `The assistant waits for your decision: ${waitingCalls(answer)
        .map(({ title }) => title)
        .join(', ')}.`
    case 'stopped':
      return 'The answer was stopped.'
    case 'failed':
      return 'The answer failed.'
    case 'done': {
      const text = textOf(answer)
      return `The answer is complete. ${text.slice(0, maxAnnounced)}${text.length > maxAnnounced ? '… The rest is on the page.' : ''}`
    }
  }
}

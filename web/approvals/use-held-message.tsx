/** The rendered content of a held message, and whether it was on screen, which is required for a decision. */
import { useCallback, useRef, useState } from 'react'
import type { ApprovalDetail } from '../../contract/approvals.ts'
import { submissionHtmlPath } from '../../contract/outbox.ts'
import { addressOf } from '../platform/api-client.ts'
import { NewAndQuoted } from './new-and-quoted.tsx'
import { useHeldFiles } from './use-held-files.ts'
import { useWasOnScreen } from './use-on-screen.ts'

/** Tracks one message; use its hash as the component's key, because having seen one says nothing about another. */
export function useHeldMessage({ submission, content, message, hash }: ApprovalDetail) {
  const [hasFrame, setFrame] = useState(content.html === null)
  const onSeen = useCallback(() => setFrame(true), [])
  const body = useRef<HTMLDivElement>(null)
  const wasOnScreen = useWasOnScreen(body)
  const hrefOf = useHeldFiles(submission, content.attachments)
  const more =
    message === null || content.text === null
      ? []
      : [
          {
            id: 'new',
            label: 'New and quoted',
            children: <NewAndQuoted accountId={submission.account_id} message={message} text={content.text} />,
          },
        ]
  const frameSource = addressOf(submissionHtmlPath, { submission_id: submission.id }, { hash })
  return {
    isSeen: hasFrame && wasOnScreen,
    body,
    /** Props for the list of attachments. */
    files: { attachments: content.attachments, hrefOf },
    /** Props for the message's text. */
    words: { content, frameSource, body, onSeen, more },
  }
}

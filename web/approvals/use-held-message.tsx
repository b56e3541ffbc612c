/** What a held message is shown with, from its bytes, and whether it was on screen: only then may it be decided. */
import { useCallback, useRef, useState } from 'react'
import type { ApprovalDetail } from '../../contract/approvals.ts'
import { submissionHtmlPath } from '../../contract/outbox.ts'
import { addressOf } from '../platform/api-client.ts'
import { NewAndQuoted } from './new-and-quoted.tsx'
import { useHeldFiles } from './use-held-files.ts'
import { useWasOnScreen } from './use-on-screen.ts'

/** Give the component the hash as key: what was seen of one message says nothing of another. */
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
    /** For the list of attachments. */
    files: { attachments: content.attachments, hrefOf },
    /** For the words themselves. */
    words: { content, frameSource, body, onSeen, more },
  }
}

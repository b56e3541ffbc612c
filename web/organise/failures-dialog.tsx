/** Lists the messages that a change failed for, with reasons. */

import { subjectOf } from '../mail/mail-words.ts'
import { visibleText } from '../platform/visible-text.ts'
import { Button, ButtonLink } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import type { FailureReport } from './organiser.ts'

export function FailuresDialog({
  report: { title, operationId, failures },
  onClose,
}: {
  report: FailureReport
  onClose(): void
}) {
  return (
    <Dialog
      isOpen
      onClose={onClose}
      title={title}
      footer={
        <>
          {operationId && <ButtonLink href={`/changes?operation=${operationId}`}>Show in Changes</ButtonLink>}
          <Button variant="primary" onClick={onClose}>
            Close
          </Button>
        </>
      }
    >
      <p className="mb-3 text-sm text-soft">They were not changed.</p>
      <ul aria-label="Messages that could not be changed" className="grid gap-2 text-sm">
        {failures.map(({ row, why }, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: conversations may repeat, and the list never changes
          <li key={index} className="grid min-w-0 rounded-md border px-3 py-2">
            <bdi className="truncate font-medium">{subjectOf(row.message)}</bdi>
            <span className="text-soft wrap-anywhere">{visibleText(why)}</span>
          </li>
        ))}
      </ul>
    </Dialog>
  )
}

/** The raw source of a message, shown strictly as text and, if it is long, only in part. */
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { messageRawPath } from '../../contract/mail.ts'
import { addressOf, readBeginning } from '../platform/api-client.ts'
import { formatBytes } from '../platform/format.ts'
import { queryKeys } from '../platform/query-keys.ts'
import { useMay } from '../platform/session.ts'
import { visibleLines } from '../platform/visible-text.ts'
import { Button, ButtonAnchor } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { ErrorState } from '../ui/error-state.tsx'
import { SkeletonRows } from '../ui/skeleton.tsx'

/** Bytes of the source that are shown; the rest is in the file. */
const mostShownBytes = 256 * 1024

interface Named {
  accountId: string
  messageRef: string
}

/** Buttons to view and save the source, for users who may read mail. */
export function SourceActions(named: Named) {
  const [isOpen, setOpen] = useState(false)
  if (!useMay('mail:read')) return null
  return (
    <span className="flex items-center gap-3">
      <button
        type="button"
        onClick={() => setOpen(true)}
        className="min-h-6 rounded-sm text-xs font-medium text-accent hover:underline"
      >
        View source
      </button>
      <a
        href={fileOf(named)}
        download
        className="inline-flex min-h-6 items-center rounded-sm text-xs font-medium text-accent hover:underline"
      >
        Save as .eml
      </a>
      {isOpen && <SourceDialog {...named} onClose={() => setOpen(false)} />}
    </span>
  )
}

function SourceDialog({ accountId, messageRef, onClose }: Named & { onClose(): void }) {
  const { data, error, refetch } = useQuery({
    queryKey: queryKeys.messageSource(accountId, messageRef),
    queryFn: ({ signal }) =>
      readBeginning(messageRawPath, { account_id: accountId, ref: messageRef }, mostShownBytes, signal),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  })
  return (
    <Dialog
      isOpen
      onClose={onClose}
      title="Source of the message"
      size="lg"
      footer={
        <>
          <ButtonAnchor href={fileOf({ accountId, messageRef })} isFile>
            Save as .eml
          </ButtonAnchor>
          <Button variant="primary" onClick={onClose}>
            Close
          </Button>
        </>
      }
    >
      {!data && error && <ErrorState error={error} onRetry={() => void refetch()} />}
      {!data && !error && <SkeletonRows count={8} />}
      {data && (
        <div className="grid grid-cols-1 gap-2">
          {!data.isWhole && (
            <p role="note" className="text-sm text-soft">
              Only the first {formatBytes(mostShownBytes)} are shown. Save the message to see all of it.
            </p>
          )}
          <section
            aria-label="Source"
            // biome-ignore lint/a11y/noNoninteractiveTabindex: scrollable content must be reachable by keyboard
            tabIndex={0}
            className="max-h-[60dvh] overflow-y-auto rounded-md border bg-sunken p-3"
          >
            <pre dir="ltr" className="text-xs wrap-anywhere whitespace-pre-wrap">
              {visibleLines(data.text)}
            </pre>
          </section>
        </div>
      )}
    </Dialog>
  )
}

function fileOf({ accountId, messageRef }: Named): string {
  return addressOf(messageRawPath, { account_id: accountId, ref: messageRef }, {})
}

/** Tests a notifier and shows the exact response. */
import { useEffect, useRef } from 'react'
import type { Notifier } from '../../contract/notifiers.ts'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { ErrorNote } from '../ui/error-state.tsx'
import { NotifierAttempt } from './deliveries-of-notifier.tsx'
import { useTestNotifier } from './use-notifiers.ts'

export function TestNotifierDialog({ notifier, onClose }: { notifier: Notifier; onClose(): void }) {
  const { mutate, data, error, isPending } = useTestNotifier(notifier.id)
  const isBegun = useRef(false)
  useEffect(() => {
    // Effects run twice in development; the test is sent once.
    if (!isBegun.current) mutate(undefined)
    isBegun.current = true
  }, [mutate])
  return (
    <Dialog
      isOpen
      onClose={onClose}
      title={`Test ${notifier.name}`}
      footer={
        <>
          <Button isBusy={isPending} onClick={() => mutate(undefined)}>
            Test again
          </Button>
          <Button variant="primary" onClick={onClose}>
            Close
          </Button>
        </>
      }
    >
      <div role="status" className="min-h-20">
        {isPending && <p className="text-sm text-muted">A test is on its way…</p>}
        {!isPending && data && (
          <>
            <p className="mb-2">
              {data.outcome === 'delivered' ? 'It was accepted. Check that it arrived.' : 'It was not accepted:'}
            </p>
            <NotifierAttempt delivery={data} />
          </>
        )}
        {!isPending && error && <ErrorNote error={error} />}
      </div>
    </Dialog>
  )
}

/** Shows whether the draft is saved. */
import { Button } from '../ui/button.tsx'
import type { DraftSnapshot } from './draft-session.ts'

export function SaveState({ snapshot: { saving, error }, onRetry }: { snapshot: DraftSnapshot; onRetry(): void }) {
  if (saving === 'failed') {
    return (
      <span role="alert" className="flex min-w-0 items-center gap-2 text-xs text-bad">
        <span className="truncate" title={error?.message}>
          Not saved: {error?.message}
        </span>
        <Button size="sm" onClick={onRetry}>
          Save
        </Button>
      </span>
    )
  }
  return (
    <span role="status" className="text-xs text-muted">
      {saving === 'saved' ? 'Saved' : 'Saving…'}
    </span>
  )
}

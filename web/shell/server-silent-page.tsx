/** Shown if the server does not respond before anything else can be shown. */
import { ErrorState } from '../ui/error-state.tsx'
import { Entrance } from './entrance.tsx'

export function ServerSilentPage({ error, onRetry }: { error: Error; onRetry(): void }) {
  return (
    <Entrance title="The server does not answer">
      <ErrorState error={error} onRetry={onRetry} />
    </Entrance>
  )
}

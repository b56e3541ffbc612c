/** Shown when no model provider is configured, with a link to add one. */
import { Bot, RotateCw } from 'lucide-react'
import { useMay } from '../platform/session.ts'
import { Button, ButtonLink } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'

export function NoModel({ onRetry }: { onRetry(): void }) {
  const mayConfigure = useMay('dashboard:admin')
  return (
    <div className="grid min-h-0 flex-1 content-center overflow-y-auto">
      <EmptyState
        icon={Bot}
        title="No model is configured yet"
        actions={
          <>
            {mayConfigure && (
              <ButtonLink href="/settings/assistant?add" variant="primary">
                Choose a model
              </ButtonLink>
            )}
            <Button icon={RotateCw} onClick={onRetry}>
              Check again
            </Button>
          </>
        }
      >
        <p>
          The assistant answers with a model of your choice: a provider on the web, or Ollama on your own machine.
          {!mayConfigure && ' An administrator configures it.'} Until one is configured, nothing is sent anywhere.
        </p>
      </EmptyState>
    </div>
  )
}

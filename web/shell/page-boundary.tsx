/** An error boundary around each page, so that the shell and the other pages keep working. */
import { Component, type ReactNode } from 'react'
import { Card } from '../ui/card.tsx'
import { ErrorState } from '../ui/error-state.tsx'

export class PageBoundary extends Component<{ children: ReactNode }, { error: Error | undefined }> {
  override state: { error: Error | undefined } = { error: undefined }

  static getDerivedStateFromError(error: unknown) {
    return { error: error instanceof Error ? error : new Error(String(error)) }
  }

  override render() {
    const { error } = this.state
    if (!error) return this.props.children
    // A page that fails to load often belongs to an older server version, which reloading fixes.
    return (
      <Card>
        <ErrorState error={error} onRetry={() => location.reload()} />
      </Card>
    )
  }
}

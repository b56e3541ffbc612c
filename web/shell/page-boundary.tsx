/** Catches what a page throws, so that the shell and the other pages go on. */
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
    // A page that cannot be loaded is often one of an older version of the server: loading again fixes that too.
    return (
      <Card>
        <ErrorState error={error} onRetry={() => location.reload()} />
      </Card>
    )
  }
}

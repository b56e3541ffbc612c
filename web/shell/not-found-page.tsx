/** Shown for an unknown address. */
import { ButtonLink } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { PageHeader } from '../ui/page-header.tsx'

export function NotFoundPage() {
  return (
    <>
      <PageHeader title="Page not found" />
      <EmptyState title="Nothing exists at this address" actions={<ButtonLink href="/">Go to the overview</ButtonLink>}>
        The link may be outdated or mistyped.
      </EmptyState>
    </>
  )
}

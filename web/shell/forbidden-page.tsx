/** Shown for a page that the user's role may not open. */
import { ButtonLink } from '../ui/button.tsx'
import { Card } from '../ui/card.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { PageHeader } from '../ui/page-header.tsx'

export function ForbiddenPage({ label }: { label: string }) {
  return (
    <>
      <PageHeader title={label} />
      <Card>
        <EmptyState
          title="Your role cannot open this page"
          actions={<ButtonLink href="/">Go to the overview</ButtonLink>}
        >
          An administrator can change your role.
        </EmptyState>
      </Card>
    </>
  )
}

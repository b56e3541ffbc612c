/** The place of the Assistant page. */
import { EmptyState } from '../ui/empty-state.tsx'
import { PageHeader } from '../ui/page-header.tsx'

export function AssistantPage() {
  return (
    <>
      <PageHeader title="Assistant" />
      <EmptyState title="This page is not written yet" />
    </>
  )
}

/** The place of the Mail page. */
import { EmptyState } from '../ui/empty-state.tsx'
import { PageHeader } from '../ui/page-header.tsx'

export function MailPage() {
  return (
    <>
      <PageHeader title="Mail" />
      <EmptyState title="This page is not written yet" />
    </>
  )
}

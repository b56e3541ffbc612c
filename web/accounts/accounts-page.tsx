/** The place of the Accounts page. */
import { EmptyState } from '../ui/empty-state.tsx'
import { PageHeader } from '../ui/page-header.tsx'

export function AccountsPage() {
  return (
    <>
      <PageHeader title="Accounts" />
      <EmptyState title="This page is not written yet" />
    </>
  )
}

/** The place of the Configuration page. */
import { EmptyState } from '../ui/empty-state.tsx'
import { PageHeader } from '../ui/page-header.tsx'

export function ConfigurationPage() {
  return (
    <>
      <PageHeader title="Configuration" />
      <EmptyState title="This page is not written yet" />
    </>
  )
}

/** The health of the server's streams, and the connection doctor. */
import { PageHeader } from '../ui/page-header.tsx'
import { ConnectionDoctor } from './connection-doctor.tsx'
import { StreamHealth } from './stream-health.tsx'

export function SystemPage() {
  return (
    <>
      <PageHeader title="System" description="Health of the live event streams, and what may disrupt them." />
      <div className="grid gap-4">
        <StreamHealth />
        <ConnectionDoctor />
      </div>
    </>
  )
}

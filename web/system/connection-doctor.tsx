/** Runs the connection between this browser and the server, and suggests fixes. */
import { Stethoscope } from 'lucide-react'
import { useNow } from '../platform/clock.ts'
import { formatClock } from '../platform/format.ts'
import { useLiveStatus } from '../platform/live.tsx'
import { Button } from '../ui/button.tsx'
import { Card } from '../ui/card.tsx'
import { ErrorNote } from '../ui/error-state.tsx'
import { diagnose } from './diagnosis.ts'
import { FindingItem } from './finding-item.tsx'
import { useDoctor } from './use-doctor.ts'

export function ConnectionDoctor() {
  const { examination, error, isBusy, start } = useDoctor()
  const link = useLiveStatus()
  const now = useNow(1_000)
  const findings = diagnose(examination, link, now)
  return (
    <Card
      title="Connection doctor"
      isFlush
      actions={
        <Button size="sm" icon={Stethoscope} isBusy={isBusy} onClick={start}>
          {examination ? 'Run again' : 'Run'}
        </Button>
      }
    >
      <p role="status" className="border-b px-4 py-3 text-sm text-soft">
        {stateWords(isBusy, examination?.at)}
      </p>
      {error && (
        <div className="border-b p-4">
          <ErrorNote error={error} />
        </div>
      )}
      <ul>
        {findings.map(finding => (
          <FindingItem key={finding.title} finding={finding} />
        ))}
      </ul>
    </Card>
  )
}

function stateWords(isBusy: boolean, examinedAt: number | undefined): string {
  if (isBusy) return 'Reading a separate stream, for at most 30 seconds…'
  if (examinedAt !== undefined) return `Tested at ${formatClock(examinedAt)}, from this browser.`
  return 'Opens a separate stream for a short time, and checks whether anything between this browser and the server disturbs it: content type, buffering, compression, number of connections, clocks.'
}

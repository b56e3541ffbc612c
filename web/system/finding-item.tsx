/** One finding of the connection doctor: verdict, measurement, and configuration that fixes it. */
import { ChevronRight } from 'lucide-react'
import { ToneIcon } from '../ui/badge.tsx'
import { CopyButton } from '../ui/copy-button.tsx'
import type { Finding } from './diagnosis.ts'
import { type Prescription, promises, remedies } from './remedies.ts'

export function FindingItem({ finding: { title, tone, verdict, measured, remedy } }: { finding: Finding }) {
  return (
    <li className="flex gap-3 border-b px-4 py-3 last:border-b-0">
      <span className="mt-0.5">
        <ToneIcon tone={tone} size="md" />
      </span>
      <div className="grid min-w-0 flex-1 gap-1">
        <h3 className="text-sm font-semibold">
          {title}: <span className="font-normal">{verdict}</span>
        </h3>
        <p className="text-xs text-muted">{measured}</p>
        {remedy && (
          <details open={tone === 'bad'} className="group/fix">
            <summary className="inline-flex cursor-pointer items-center gap-1 rounded-sm py-1 text-xs font-medium text-accent">
              <ChevronRight className="size-3.5 group-open/fix:rotate-90" aria-hidden="true" />
              {promises[remedy]}
            </summary>
            <ul className="grid gap-3 pt-2 pb-1 @min-[60rem]/page:grid-cols-3">
              {remedies[remedy].map(prescription => (
                <PrescriptionItem key={prescription.program} prescription={prescription} />
              ))}
            </ul>
          </details>
        )}
      </div>
    </li>
  )
}

function PrescriptionItem({ prescription: { program, place, lines } }: { prescription: Prescription }) {
  return (
    <li className="min-w-0">
      <div className="flex items-start justify-between gap-2">
        <p className="text-xs text-muted">
          <span className="font-medium text-ink">{program}</span>, {place}
        </p>
        <CopyButton text={lines} label={`Copy the lines for ${program}`} />
      </div>
      <pre className="mt-1 rounded-md bg-sunken p-3 font-mono text-xs whitespace-pre-wrap text-ink [tab-size:4]">
        {lines}
      </pre>
    </li>
  )
}

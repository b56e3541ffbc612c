/** The pending changes: each field with its old and new value. */
import { ArrowRight } from 'lucide-react'
import { formatCount } from '../platform/format.ts'
import type { Difference } from './configuration-draft.ts'
import { allFields } from './configuration-fields.ts'

export function ChangePreview({ differences }: { differences: readonly Difference[] }) {
  return (
    <section aria-labelledby="changes" className="grid gap-2">
      <h2 id="changes" className="text-base font-semibold">
        Changes
      </h2>
      <p role="status" className={differences.length > 0 ? 'sr-only' : 'text-sm text-muted'}>
        {differences.length > 0
          ? `${formatCount(differences.length, 'change')} not applied yet`
          : 'No changes. Your edits are listed here before they are applied.'}
      </p>
      {differences.length > 0 && (
        <ul className="divide-y rounded-md border text-sm">
          {differences.map(difference => (
            <DifferenceLine key={difference.name} difference={difference} />
          ))}
        </ul>
      )}
    </section>
  )
}

function DifferenceLine({ difference: { name, before, after } }: { difference: Difference }) {
  const { label, effect } = allFields.find(field => field.name === name)!
  return (
    <li className="grid gap-x-4 gap-y-1 px-3 py-2 md:grid-cols-3">
      <span className="font-medium">{label}</span>
      <span className="flex min-w-0 flex-wrap items-center gap-x-2">
        <span className="sr-only">from</span>
        <del className="rounded-sm bg-bad-tint px-1 text-bad">{before}</del>
        <ArrowRight className="size-3.5 shrink-0 text-muted" aria-hidden="true" />
        <span className="sr-only">to</span>
        <ins className="rounded-sm bg-good-tint px-1 text-good no-underline">{after}</ins>
      </span>
      <span className="text-muted">{effect}</span>
    </li>
  )
}

/** A note that the configuration was changed elsewhere while it is edited here. */
import { useFacts } from '../platform/live.tsx'
import { ToneIcon } from '../ui/badge.tsx'
import { Button } from '../ui/button.tsx'
import type { ForeignChange } from './configuration-draft.ts'
import { allFields } from './configuration-fields.ts'

export function ForeignChangeNote({
  changes,
  onUnderstood,
}: {
  changes: readonly ForeignChange[]
  onUnderstood(): void
}) {
  const who = useFacts().flatMap(({ event }) =>
    event.type === 'configuration_updated' ? [event.data.principal] : [],
  )[0]
  return (
    <div role="status" className="flex flex-wrap items-start gap-x-3 gap-y-2 border-b bg-warn-tint p-4 text-sm">
      <span className="mt-0.5">
        <ToneIcon tone="warn" />
      </span>
      <div className="grid min-w-0 flex-1 basis-56 gap-1">
        <p className="font-semibold text-warn">This changed elsewhere{who && `, by ${who}`}</p>
        <ul className="grid gap-0.5">
          {changes.map(({ name, before, after, isEdited }) => (
            <li key={name}>
              <span className="font-medium">{labelOf(name)}</span>: {before} to {after}.{' '}
              {isEdited
                ? 'You are editing it too; applying overwrites the other change.'
                : 'The new value is shown below.'}
            </li>
          ))}
        </ul>
        <p className="text-soft">Your edits are kept.</p>
      </div>
      <Button size="sm" onClick={onUnderstood}>
        OK
      </Button>
    </div>
  )
}

function labelOf(name: ForeignChange['name']): string {
  return allFields.find(field => field.name === name)!.label
}

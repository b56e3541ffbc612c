/** How to connect an agent: choose the client and copy its lines. */
import { useId, useState } from 'react'
import { Button } from '../ui/button.tsx'
import { CopyLines } from '../ui/copy-lines.tsx'
import { anyToken, setUpsFor } from './set-up-lines.ts'

/** @param token The secret, while it is shown. */
export function SetUp({ token = anyToken }: { token?: string }) {
  const id = useId()
  const all = setUpsFor({ origin: location.origin, token })
  const [client, setClient] = useState(all[0]?.client)
  const chosen = all.find(each => each.client === client)
  return (
    <div className="grid gap-3">
      <fieldset className="flex flex-wrap gap-2">
        <legend className="sr-only">Client</legend>
        {all.map(each => (
          <Button
            key={each.client}
            size="sm"
            aria-pressed={each.client === client}
            aria-controls={id}
            className="aria-pressed:border-accent aria-pressed:bg-accent-tint aria-pressed:text-accent"
            onClick={() => setClient(each.client)}
          >
            {each.client}
          </Button>
        ))}
      </fieldset>
      {chosen && (
        <div id={id} className="grid gap-2">
          <p className="text-sm text-soft">{chosen.how}</p>
          <CopyLines title={chosen.title} lines={chosen.lines} />
        </div>
      )}
    </div>
  )
}

/** Shows where the links of an outgoing message lead: the hosts, and full URLs when expanded. */
import { useMemo } from 'react'
import { visibleText } from '../mail/mail-words.ts'
import { formatCount } from '../platform/format.ts'
import { linkTargets, placesOf } from './link-targets.ts'

export function OutgoingLinks({ html }: { html: string | null }) {
  const targets = useMemo(() => linkTargets(html ?? ''), [html])
  if (targets.length === 0) return null
  return (
    <details className="border-b px-4 py-2 text-sm">
      <summary className="cursor-pointer wrap-anywhere text-muted">
        {formatCount(targets.length, 'link')} to <bdi>{visibleText(placesOf(targets).join(', '))}</bdi>
      </summary>
      <ul className="mt-1 grid max-h-40 grid-cols-1 gap-1 overflow-y-auto font-mono text-xs wrap-anywhere">
        {targets.map(target => (
          <li key={target}>{visibleText(target)}</li>
        ))}
      </ul>
    </details>
  )
}

/**
 * Shows what an outgoing message carries besides its words: where links lead, in full if a URL says more than that, and
 * how large the pictures in it are.
 */
import { useMemo } from 'react'
import { visibleText } from '../mail/mail-words.ts'
import { formatBytes, formatCount } from '../platform/format.ts'
import { linkTargets, picturesIn, placesOf, saysMore } from './link-targets.ts'

export function OutgoingLinks({ html }: { html: string | null }) {
  const targets = useMemo(() => linkTargets(html ?? ''), [html])
  const pictures = useMemo(() => picturesIn(html ?? ''), [html])
  return (
    <>
      {pictures.count > 0 && (
        <p className="border-b px-4 py-2 text-sm text-muted">
          {formatCount(pictures.count, 'picture')} in the text, {formatBytes(pictures.bytes)}
        </p>
      )}
      {targets.length > 0 && (
        <details className="border-b px-4 py-2 text-sm" open={targets.some(saysMore)}>
          <summary className="cursor-pointer wrap-anywhere text-muted">
            {formatCount(targets.length, 'link')} to <bdi>{visibleText(placesOf(targets).join(', '))}</bdi>
          </summary>
          <ul
            // biome-ignore lint/a11y/noNoninteractiveTabindex: scrollable content must be reachable by keyboard
            tabIndex={0}
            className="mt-1 grid max-h-40 grid-cols-1 gap-1 overflow-y-auto font-mono text-xs wrap-anywhere"
          >
            {targets.map(target => (
              <li key={target}>{visibleText(target)}</li>
            ))}
          </ul>
        </details>
      )}
    </>
  )
}

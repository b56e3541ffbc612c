/** What the server warns of in a held message, such as addresses that look like those of contacts. */
import { visibleText } from '../mail/mail-words.ts'
import { ToneIcon } from '../ui/badge.tsx'

export function MessageWarnings({ warnings }: { warnings: readonly string[] }) {
  if (warnings.length === 0) return null
  return (
    <section aria-label="Warnings" className="border-b px-4 py-2.5 text-sm">
      <h3 className="mb-1 text-xs text-muted">Warnings</h3>
      <ul
        // biome-ignore lint/a11y/noNoninteractiveTabindex: scrollable content must be reachable by keyboard
        tabIndex={0}
        className="grid max-h-40 grid-cols-1 gap-1 overflow-y-auto"
      >
        {warnings.map(warning => (
          <li key={warning} className="flex items-start gap-2">
            <span className="mt-0.5">
              <ToneIcon tone="warn" />
            </span>
            <span className="min-w-0 wrap-anywhere">{visibleText(warning)}</span>
          </li>
        ))}
      </ul>
    </section>
  )
}

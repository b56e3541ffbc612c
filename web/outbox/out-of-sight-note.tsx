/** A warning about words of an outgoing message that are far from where a person looks. */
import { visibleText } from '../mail/mail-words.ts'
import { formatNumber } from '../platform/format.ts'
import { ToneIcon } from '../ui/badge.tsx'
import type { OutOfSight } from './out-of-sight.ts'

/** @param found Null if it could not be measured, undefined if not yet. */
export function OutOfSightNote({ found }: { found: OutOfSight | null | undefined }) {
  if (found === undefined) return null
  if (!found)
    return <Note says="What is in view of this message could not be measured: scroll through all of it." words="" />
  const { screens, below, beside, isPartial } = found
  return (
    <>
      {below !== '' && (
        <Note
          says={`There is text after a gap of ${formatNumber(screens)} screens of blank space or pictures:`}
          words={below}
        />
      )}
      {beside !== '' && (
        <Note says="These words are sent too, but are beside what is shown, covered or cut off:" words={beside} />
      )}
      {isPartial && <Note says="This message is too long to be checked for gaps: scroll through all of it." words="" />}
    </>
  )
}

function Note({ says, words }: { says: string; words: string }) {
  return (
    <div role="note" className="flex items-start gap-2 border-b bg-warn-tint px-4 py-2.5 text-sm">
      <span className="mt-0.5">
        <ToneIcon tone="warn" />
      </span>
      <div className="min-w-0 grow">
        <p>{says}</p>
        {words !== '' && (
          <p
            dir="auto"
            // biome-ignore lint/a11y/noNoninteractiveTabindex: scrollable content must be reachable by keyboard
            tabIndex={0}
            className="mt-1 max-h-40 overflow-y-auto font-mono text-xs wrap-anywhere"
          >
            {visibleText(words)}
          </p>
        )}
      </div>
    </div>
  )
}

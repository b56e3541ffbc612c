/** Untrusted text on one line, with search matches highlighted. */
import { visibleText } from '../platform/visible-text.ts'

/** @param marks Sorted, disjoint ranges, in UTF-16 code units. */
export function MarkedText({
  text,
  marks = [],
}: {
  text: string
  marks?: readonly (readonly [number, number])[] | undefined
}) {
  if (marks.length === 0) return visibleText(text)
  const ends = [0, ...marks.map(([, to]) => to)]
  return (
    <>
      {marks.map(([from, to], index) => (
        <span key={from}>
          {visibleText(text.slice(ends[index], from))}
          <mark className="rounded-sm bg-warn-tint font-medium text-ink">{visibleText(text.slice(from, to))}</mark>
        </span>
      ))}
      {visibleText(text.slice(ends.at(-1)))}
    </>
  )
}

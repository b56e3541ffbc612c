/** Moves the focus through a list with j, k and the arrows, while the focus is in the list. */
import type { KeyboardEvent } from 'react'

const steps: ReadonlyMap<string, number> = new Map(
  Object.entries({
    j: 1,
    ArrowDown: 1,
    k: -1,
    ArrowUp: -1,
    Home: Number.NEGATIVE_INFINITY,
    End: Number.POSITIVE_INFINITY,
  }),
)

/**
 * Handles a key press.
 * @param selector Matches the elements to move through.
 */
export function moveThroughRows(event: KeyboardEvent<HTMLElement>, selector: string): void {
  const step = steps.get(event.key)
  if (step === undefined || event.altKey || event.ctrlKey || event.metaKey) return
  const rows = [...event.currentTarget.querySelectorAll<HTMLElement>(selector)]
  const at = rows.findIndex(row => row.matches(':focus'))
  const next = rows[Math.min(Math.max(at + step, 0), rows.length - 1)]
  if (!next) return
  event.preventDefault()
  next.focus()
}

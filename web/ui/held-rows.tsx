/** A live list, newest first, that holds still while it is hovered or focused; newer rows wait behind a button. */
import { type ReactNode, useRef, useState } from 'react'
import { formatNumber } from '../platform/format.ts'
import { Button } from './button.tsx'

interface Numbered {
  number: number
}

export function HeldRows<Row extends Numbered>({
  label,
  rows,
  isLive = true,
  children,
}: {
  label: string
  rows: readonly Row[]
  /** Whether the rows are the newest ones, before which more can arrive. */
  isLive?: boolean
  children(shown: readonly Row[]): ReactNode
}) {
  const [held, setHeld] = useState<readonly Row[]>()
  const isPointed = useRef(false)
  const isFocused = useRef(false)
  const update = (mark: { current: boolean }, isInside: boolean) => {
    mark.current = isInside
    const isHeld = isPointed.current || isFocused.current
    setHeld(before => (isHeld ? (before ?? rows) : undefined))
  }
  const { shown, waiting, isMore } = heldRows(isLive ? held : undefined, rows)
  return (
    // The button is inside the section, so that moving the pointer to it does not release the held rows.
    <section
      aria-label={label}
      onPointerEnter={() => update(isPointed, true)}
      onPointerLeave={() => update(isPointed, false)}
      onFocus={() => update(isFocused, true)}
      onBlur={() => update(isFocused, false)}
    >
      {waiting > 0 && (
        <div className="border-b p-2 text-center">
          <Button size="sm" onClick={() => setHeld(rows)}>
            Show {formatNumber(waiting)}
            {isMore && ' and more'} new
          </Button>
        </div>
      )}
      {children(shown)}
    </section>
  )
}

/**
 * Merges the held rows with fresh ones, both newest first. Older rows are appended, since they move nothing. `waiting`
 * is a lower bound if `isMore`.
 */
export function heldRows<Row extends Numbered>(
  held: readonly Row[] | undefined,
  fresh: readonly Row[],
): { shown: readonly Row[]; waiting: number; isMore: boolean } {
  if (!held) return { shown: fresh, waiting: 0, isMore: false }
  const newest = held[0]?.number ?? 0
  const oldest = held.at(-1)?.number ?? 0
  const waiting = fresh.filter(({ number }) => number > newest).length
  const older = fresh.filter(({ number }) => number < oldest)
  return { shown: [...held, ...older], waiting, isMore: waiting > 0 && waiting === fresh.length }
}

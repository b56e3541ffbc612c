/** Keeps the newest entries where they are while somebody points at them: what comes meanwhile waits. */

export interface HeldEntries<Entry> {
  shown: readonly Entry[]
  /** How many wait to be shown; at least so many when `isMore`. */
  waiting: number
  isMore: boolean
}

/** Both lists are newest first. */
export function heldEntries<Entry extends { number: number }>(
  held: readonly Entry[] | undefined,
  fresh: readonly Entry[],
): HeldEntries<Entry> {
  if (!held) return { shown: fresh, waiting: 0, isMore: false }
  const newest = held[0]?.number ?? 0
  const waiting = fresh.filter(({ number }) => number > newest).length
  return { shown: held, waiting, isMore: waiting > 0 && waiting === fresh.length }
}

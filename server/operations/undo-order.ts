/**
 * In which order operations are undone: what was done last comes first. Ids do not say it: what was held or only proposed is done behind later ones. Of
 * one that was held halfway the time at which it was settled does not say it either, but a move says itself where it found a message and where it left it.
 */
import { isPlaced, type OperationRow, placeAfter, placeKey, placeOf } from './operation-tables.ts'
import type { Undoable } from './undo-plan.ts'

/** What is settled; nothing of the rest is undone. */
export function lastDoneFirst(undoables: readonly Undoable[]): Undoable[] {
  const sorted = undoables.toSorted((one, other) => (isBefore(one.operation, other.operation) ? -1 : 1))
  return alongMoves(sorted).reverse()
}

function isBefore(one: OperationRow, other: OperationRow): boolean {
  const [at, otherAt] = [one.settled_at ?? '', other.settled_at ?? '']
  return at === otherAt ? one.id < other.id : at < otherAt
}

/** What brought a message to where another one found it was done before that one. */
function alongMoves(sorted: readonly Undoable[]): Undoable[] {
  const broughtBy = new Map<string, Undoable>()
  const keyIn = ({ operation }: Undoable, key: string) => `${operation.account_id} ${key}`
  for (const each of sorted) {
    if (each.operation.kind !== 'move') continue
    for (const item of each.items) {
      const after = item.state === 'done' ? placeAfter(item) : undefined
      // What was to be moved to where it was stayed there.
      if (after && isPlaced(item) && placeKey(after) !== placeKey(placeOf(item))) {
        broughtBy.set(keyIn(each, placeKey(after)), each)
      }
    }
  }
  const [found, ordered] = [new Set<Undoable>(), new Set<Undoable>()]
  const add = (each: Undoable) => {
    // Two that were done in turns, each before the other one for some messages, stay as they are.
    if (found.has(each)) return
    found.add(each)
    for (const item of each.items) {
      const before = isPlaced(item) && broughtBy.get(keyIn(each, placeKey(placeOf(item))))
      if (before) add(before)
    }
    ordered.add(each)
  }
  for (const each of sorted) add(each)
  return [...ordered]
}

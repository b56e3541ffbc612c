/**
 * The order in which operations are undone: last done first. Ids do not give it, since held and proposed operations run
 * after later ones. Nor does the settling time of an operation that was held halfway; but a move records where it found
 * and where it left each message.
 */
import { isPlaced, type OperationRow, placeAfter, placeKey, placeOf } from './operation-tables.ts'
import type { Undoable } from './undo-plan.ts'

/** @param undoables Settled operations only; the others are not undone. */
export function lastDoneFirst(undoables: readonly Undoable[]): Undoable[] {
  const sorted = undoables.toSorted((one, other) => (isBefore(one.operation, other.operation) ? -1 : 1))
  return alongMoves(sorted).reverse()
}

function isBefore(one: OperationRow, other: OperationRow): boolean {
  const [at, otherAt] = [one.settled_at ?? '', other.settled_at ?? '']
  return at === otherAt ? one.id < other.id : at < otherAt
}

/** Orders a move before any operation that found a message where the move had left it. */
function alongMoves(sorted: readonly Undoable[]): Undoable[] {
  const broughtBy = new Map<string, Undoable>()
  const keyIn = ({ operation }: Undoable, key: string) => `${operation.account_id} ${key}`
  for (const each of sorted) {
    if (each.operation.kind !== 'move') continue
    for (const item of each.items) {
      const after = item.state === 'done' ? placeAfter(item) : undefined
      // Moving a message to the folder that it is in was a no-op.
      if (after && isPlaced(item) && placeKey(after) !== placeKey(placeOf(item))) {
        broughtBy.set(keyIn(each, placeKey(after)), each)
      }
    }
  }
  const [found, ordered] = [new Set<Undoable>(), new Set<Undoable>()]
  const add = (each: Undoable) => {
    // Interleaved operations, each first for some messages, keep their order.
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

/**
 * Pages of a list that begins with what nobody has decided yet, the oldest first, and goes on with what is decided, the newest first. The
 * first letter of a cursor says in which of the two it stands; the id of a row, if any, behind which row.
 */
import { badCursor } from '../platform/list-query.ts'

const decidedMark = 'd'

export interface UndecidedFirst<Row> {
  /** One letter. */
  mark: string
  /** Which ids there are. */
  id: RegExp
  /** What waits is left out, or all that is shown, where a state is asked for. */
  shows: 'both' | 'undecided' | 'decided'
  listUndecided(after: string | undefined, limit: number): Promise<Row[]>
  listDecided(before: string | undefined, limit: number): Promise<Row[]>
}

/** @throws Problem `bad_request` for a cursor of another list. */
export async function pageOfUndecidedFirst<Row extends { id: string }>(
  { mark, id, shows, listUndecided, listDecided }: UndecidedFirst<Row>,
  limit: number,
  cursor = mark,
): Promise<{ rows: Row[]; next: string | null }> {
  const [part, last] = [cursor.slice(0, 1), cursor.slice(1) || undefined]
  if ((part !== mark && part !== decidedMark) || (last !== undefined && !id.test(last))) throw badCursor()
  const wantsUndecided = part === mark && shows !== 'decided'
  const undecided = wantsUndecided ? await listUndecided(last, limit + 1) : []
  if (undecided.length > limit) {
    const rows = undecided.slice(0, limit)
    return { rows, next: mark + rows.at(-1)!.id }
  }
  if (shows === 'undecided') return { rows: undecided, next: null }
  const room = limit - undecided.length
  // A full page says that there is more: the next one shows whether there is.
  if (room === 0) return { rows: undecided, next: decidedMark }
  const decided = await listDecided(part === decidedMark ? last : undefined, room + 1)
  const rows = [...undecided, ...decided.slice(0, room)]
  return { rows, next: decided.length > room ? decidedMark + rows.at(-1)!.id : null }
}

/** Merges reloaded pages into a loaded list, so that new mail costs one page however far back the reader has gone. */
import { isThreadRow, type MailPage, type MailRow } from './mail-row.ts'

/** Maximum rows kept per list; older messages are found by search. */
export const mostRows = 150_000

/**
 * Replaces the top of the list. Older rows are kept only if the newest page overlaps them; otherwise there may be a
 * gap.
 */
export function joinNewest(known: MailPage | undefined, newest: MailPage): MailPage {
  const lastKey = newest.rows.at(-1)?.key
  const end = known?.rows.findIndex(({ key }) => key === lastKey) ?? -1
  if (!known || end < 0 || newest.next_cursor === null) return newest
  const above = new Set(newest.rows.map(({ key }) => key))
  // A thread with a new reply is at the top now, and removed from its old place.
  const below = known.rows.slice(end + 1).filter(({ key }) => !above.has(key))
  return { ...known, rows: [...newest.rows, ...below], total: newest.total }
}

/**
 * Returns how many pages to load at once: appending takes longer the more rows there are, so long lists load several.
 */
export function pagesAtATime(known: number): number {
  return Math.min(5, 1 + Math.floor(known / 10_000))
}

/** Loads several pages as one. Pages before a failure are kept; the next attempt reports it. */
export async function loadOlder(
  load: (cursor: string) => Promise<MailPage>,
  cursor: string,
  pages: number,
): Promise<MailPage> {
  let whole = await load(cursor)
  for (let count = 1; count < pages && whole.next_cursor !== null; count++) {
    const next = await load(whole.next_cursor).catch(() => undefined)
    if (!next) break
    whole = { ...next, rows: whole.rows.concat(next.rows) }
  }
  return whole
}

/**
 * Appends older rows.
 * @param cursor The cursor that `older` was requested with; if the list has another one by now, it has changed and
 * nothing is appended.
 */
export function joinOlder(known: MailPage, older: MailPage, cursor: string): MailPage {
  if (known.next_cursor !== cursor) return known
  // Only the small page is indexed in a set, because the list may be long.
  const keys = new Set(older.rows.map(({ key }) => key))
  const twice = new Set(known.rows.filter(({ key }) => keys.has(key)).map(({ key }) => key))
  const rows = known.rows.concat(older.rows.filter(({ key }) => !twice.has(key)))
  // Facets and total were computed with the first page.
  return {
    ...known,
    rows,
    next_cursor: rows.length >= mostRows ? null : older.next_cursor,
    total: older.total ?? known.total,
  }
}

/** Hides messages newer than `mark`, the first row that the reader saw, until the reader returns to the top. */
export function splitAtMark(rows: readonly MailRow[], mark: string | undefined) {
  const found = mark === undefined ? 0 : rows.findIndex(({ key }) => key === mark)
  const waiting = Math.max(0, found)
  return { waiting, shown: waiting === 0 ? rows : rows.slice(waiting) }
}

/** Milliseconds in which the text of new mail may still be indexed; after that, it has none. */
const textMs = 60_000

/** Returns whether one of the newest threads has just received mail and lacks a preview, while others have theirs. */
export function awaitsTexts({ rows }: MailPage, nowMs: number): boolean {
  const newest = rows.slice(0, 20).filter(isThreadRow)
  const isNew = ({ message: { date, preview } }: MailRow) => !preview && Math.abs(nowMs - Date.parse(date)) < textMs
  return newest.some(isNew) && newest.some(({ message }) => message.preview)
}

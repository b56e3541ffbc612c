/** Joins what is asked again with what is there, so that new mail costs one page however far the reader went back. */
import { isThreadRow, type MailPage, type MailRow } from './mail-row.ts'

/** Rows that are kept of one list; a search finds what is older. */
export const mostRows = 150_000

/** What was loaded of older messages stays, where the newest page reaches into it; else there may be a hole between. */
export function joinNewest(known: MailPage | undefined, newest: MailPage): MailPage {
  const lastKey = newest.rows.at(-1)?.key
  const end = known?.rows.findIndex(({ key }) => key === lastKey) ?? -1
  if (!known || end < 0 || newest.next_cursor === null) return newest
  const above = new Set(newest.rows.map(({ key }) => key))
  // A thread that got an answer stands on top now, and no longer where it stood.
  const below = known.rows.slice(end + 1).filter(({ key }) => !above.has(key))
  return { ...known, rows: [...newest.rows, ...below], total: newest.total }
}

/** To put a page behind those that are there takes the longer, the more they are: so far down, several are asked for at a time. */
export function pagesAtATime(known: number): number {
  return Math.min(5, 1 + Math.floor(known / 10_000))
}

/** As one page. What comes before a failure counts; the next attempt tells of it. */
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

/** @param cursor The one that `older` was asked with; when the list has another by now, it has changed and nothing is joined. */
export function joinOlder(known: MailPage, older: MailPage, cursor: string): MailPage {
  if (known.next_cursor !== cursor) return known
  // A page is small, and what is known may be long: only the page is put into a set.
  const keys = new Set(older.rows.map(({ key }) => key))
  const twice = new Set(known.rows.filter(({ key }) => keys.has(key)).map(({ key }) => key))
  const rows = known.rows.concat(older.rows.filter(({ key }) => !twice.has(key)))
  // How the finds are spread, and how many there are, was counted with the first page.
  return {
    ...known,
    rows,
    next_cursor: rows.length >= mostRows ? null : older.next_cursor,
    total: older.total ?? known.total,
  }
}

/** New messages above `mark`, the first one that the reader saw, wait until the reader comes back to the top. */
export function splitAtMark(rows: readonly MailRow[], mark: string | undefined) {
  const found = mark === undefined ? 0 : rows.findIndex(({ key }) => key === mark)
  const waiting = Math.max(0, found)
  return { waiting, shown: waiting === 0 ? rows : rows.slice(waiting) }
}

/** For so long the text of new mail may not be indexed yet; later there is none. */
const textMs = 60_000

/** Whether one of the newest threads has mail that came just now and is still without a preview, while others have theirs. */
export function awaitsTexts({ rows }: MailPage, nowMs: number): boolean {
  const newest = rows.slice(0, 20).filter(isThreadRow)
  const isNew = ({ message: { date, preview } }: MailRow) => !preview && Math.abs(nowMs - Date.parse(date)) < textMs
  return newest.some(isNew) && newest.some(({ message }) => message.preview)
}

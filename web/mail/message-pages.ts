/** Joins what is asked again with what is there, so that new mail costs one page however far the reader went back. */
import type { MessageSummary } from '../../contract/mail.ts'

export interface MessagePage {
  items: MessageSummary[]
  next_cursor: string | null
  /** Messages in the folder. */
  total: number
}

/** What was loaded of older messages stays, where the newest page reaches into it; else there may be a hole between. */
export function joinNewest(known: MessagePage | undefined, newest: MessagePage): MessagePage {
  const lastRef = newest.items.at(-1)?.ref
  const end = known?.items.findIndex(({ ref }) => ref === lastRef) ?? -1
  if (!known || end < 0 || newest.next_cursor === null) return newest
  return { ...known, items: [...newest.items, ...known.items.slice(end + 1)], total: newest.total }
}

/** @param cursor The one that `older` was asked with; when the list has another by now, it has changed and nothing is joined. */
export function joinOlder(known: MessagePage, older: MessagePage, cursor: string): MessagePage {
  if (known.next_cursor !== cursor) return known
  const refs = new Set(known.items.map(({ ref }) => ref))
  // Later pages of a search do not say how many there are.
  return {
    ...older,
    total: older.total || known.total,
    items: [...known.items, ...older.items.filter(({ ref }) => !refs.has(ref))],
  }
}

/** New messages above `mark`, the first one that the reader saw, wait until the reader comes back to the top. */
export function splitAtMark(items: readonly MessageSummary[], mark: string | undefined) {
  const waiting =
    mark === undefined
      ? 0
      : Math.max(
          0,
          items.findIndex(({ ref }) => ref === mark),
        )
  return { waiting, rows: items.slice(waiting) }
}

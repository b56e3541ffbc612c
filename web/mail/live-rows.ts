/** Applies facts about mail to loaded lists: updates flags, however far down, and removes deleted messages. */
import type { EventOf } from '../../contract/event.ts'
import type { Flag } from '../../contract/mail.ts'
import { isThreadRow, type MailPage, type MailRow } from './mail-row.ts'

const flagNames: ReadonlyMap<string, Flag> = new Map([
  ['\\seen', 'seen'],
  ['\\flagged', 'flagged'],
  ['\\answered', 'answered'],
  ['\\draft', 'draft'],
  ['\\deleted', 'deleted'],
])

type Changed = EventOf<'mail_changed'>['data']
type Removed = EventOf<'mail_removed'>['data']

/** Applies changed flags; returns the same page if nothing changed. */
export function withChanges(page: MailPage, { account_id: accountId, messages }: Changed): MailPage {
  const changes = new Map(messages.map(change => [change.id, change]))
  return mapped(page, row => {
    const change = row.accountId === accountId && row.messageId !== undefined ? changes.get(row.messageId) : undefined
    if (!change) return row
    const { flags } = change
    // It left the folder of the fact; that folder's lists are reloaded.
    return flags === null ? row : withFlags(row, flags)
  })
}

/**
 * Removes deleted messages. Of a thread only the newest message is known here, so the server decides whether it is
 * empty.
 */
export function withoutRemoved(page: MailPage, { account_id: accountId, messages }: Removed): MailPage {
  const ids = new Set(messages.map(({ id }) => id))
  const isGone = (row: MailRow) =>
    row.accountId === accountId && row.messageId !== undefined && ids.has(row.messageId) && row.count === 1
  const rows = page.rows.filter(row => !isGone(row))
  const gone = page.rows.length - rows.length
  return gone === 0 ? page : { ...page, rows, total: page.total === null ? null : Math.max(0, page.total - gone) }
}

function withFlags(row: MailRow, names: readonly string[]): MailRow {
  const flags = names.flatMap(name => flagNames.get(name.toLowerCase()) ?? [])
  const keywords = names.filter(name => !name.startsWith('\\'))
  const wasUnread = row.message.flags.includes('seen') ? 0 : 1
  const isUnread = flags.includes('seen') ? 0 : 1
  const unread = isThreadRow(row) ? Math.max(0, row.unread + isUnread - wasUnread) : isUnread
  return { ...row, message: { ...row.message, flags, keywords }, unread }
}

function mapped(page: MailPage, change: (row: MailRow) => MailRow): MailPage {
  const rows = page.rows.map(change)
  return rows.some((row, index) => row !== page.rows[index]) ? { ...page, rows } : page
}

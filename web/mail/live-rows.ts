/** What facts about mail change in lists that are loaded: flags at once, far down too, and what is gone leaves. */
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

/** The same page where nothing of it changed. */
export function withChanges(page: MailPage, { account_id: accountId, messages }: Changed): MailPage {
  const changes = new Map(messages.map(change => [change.id, change]))
  return mapped(page, row => {
    const change = row.accountId === accountId && row.messageId !== undefined ? changes.get(row.messageId) : undefined
    if (!change) return row
    const { flags } = change
    // It left the folder of the fact; the lists of that folder are asked again.
    return flags === null ? row : withFlags(row, flags)
  })
}

/** What is gone. Of a thread only its newest message is known here: whether others are left, the server says. */
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

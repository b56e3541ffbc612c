/** Finds an account's Sent folder, and whether the provider stores sent messages there itself. */
import { UnknownOutcome } from '../imap/gateway-capabilities.ts'
import type { MailConnection } from '../imap/mail-gateway.ts'
import type { CopyIntent } from './submission-tables.ts'

const maxUid = 2 ** 32 - 1
const headersAtOnce = 200
/** New messages that are checked after a lost response; past it the outcome stays unknown. */
const mostArrived = 5_000
/** Newest messages among which the provider's copy is looked for. */
const newestLooked = 100

const savingHosts = /(^|\.)(gmail|googlemail|office365|outlook|hotmail|live)\.com$/i
const savingFolders = /^\[(Gmail|Google Mail)\]/i

/** @param chosen Path of the folder to use instead of the one with the role. */
export async function findSentFolder(connection: MailConnection, chosen?: string): Promise<string | undefined> {
  const folders = await connection.listFolders(false)
  const isMeant = ({ path, role }: (typeof folders)[number]) =>
    chosen === undefined ? role === 'sent' : path === chosen
  return folders.find(folder => isMeant(folder) && folder.selectable)?.path
}

/**
 * Returns whether the provider stores sent messages itself, as Gmail and Outlook do. Gmail behind another host is
 * recognised by its folder names.
 */
export function isSavedByProvider(smtpHost: string, folder: string): boolean {
  return savingHosts.test(smtpHost) || savingFolders.test(folder)
}

/** Returns the state of the folder before a copy is appended. */
export async function intentFor(connection: MailConnection, folder: string): Promise<CopyIntent> {
  const { uidValidity, uidNext } = await connection.listArrivals(folder, maxUid, 1)
  return { folder, uidValidity, uidNext }
}

/**
 * Returns whether the message is among those that arrived since. @throws UnknownOutcome if that cannot be determined:
 * the folder was recreated, or too many arrived.
 */
export async function hasArrived(connection: MailConnection, intent: CopyIntent, messageId: string): Promise<boolean> {
  let looked = 0
  for (let from = intent.uidNext, hasMore = true; hasMore; ) {
    const page = await connection.changes.listHeaders(intent.folder, [from, maxUid], headersAtOnce, 'oldest')
    // An empty folder may have no UIDVALIDITY yet (0).
    if (intent.uidValidity !== 0 && page.uidValidity !== intent.uidValidity) {
      throw new UnknownOutcome(new Error('the folder was recreated'))
    }
    if (page.headers.some(header => header.messageId === messageId)) return true
    looked += page.headers.length
    if (looked > mostArrived) throw new UnknownOutcome(new Error('too many messages arrived since'))
    const last = Math.max(0, ...page.headers.map(({ uid }) => uid))
    hasMore = page.hasMore && last >= from
    from = last + 1
  }
  return false
}

/**
 * Returns whether the provider's copy is among the newest messages. Outlook assigns its own Message-ID, so subject and
 * time count as well.
 */
export async function isAmongNewest(
  connection: MailConnection,
  folder: string,
  { messageId, subject, since }: { messageId: string; subject: string; since: number },
): Promise<boolean> {
  const { headers } = await connection.changes.listHeaders(folder, [1, maxUid], newestLooked, 'newest')
  return headers.some(header => {
    if (header.messageId === messageId) return true
    return header.subject === subject && Date.parse(header.date) >= since
  })
}

/** The folder with the role `sent` of an account, and whether its provider puts messages there by itself. */
import { UnknownOutcome } from '../imap/gateway-capabilities.ts'
import type { MailConnection } from '../imap/mail-gateway.ts'
import type { CopyIntent } from './submission-tables.ts'

const maxUid = 2 ** 32 - 1
const headersAtOnce = 200
/** Looked at after a response was lost; where more came since, they are not all looked at. */
const mostArrived = 5_000
/** So far back a copy of the provider is looked for. */
const newestLooked = 100

const savingHosts = /(^|\.)(gmail|googlemail|office365|outlook|hotmail|live)\.com$/i
const savingFolders = /^\[(Gmail|Google Mail)\]/i

/** @param chosen In place of the one with the role. */
export async function findSentFolder(connection: MailConnection, chosen?: string): Promise<string | undefined> {
  const folders = await connection.listFolders(false)
  const isMeant = ({ path, role }: (typeof folders)[number]) =>
    chosen === undefined ? role === 'sent' : path === chosen
  return folders.find(folder => isMeant(folder) && folder.selectable)?.path
}

/** Gmail and Outlook keep what is sent by their servers. Gmail behind another host is known by the names of its folders. */
export function isSavedByProvider(smtpHost: string, folder: string): boolean {
  return savingHosts.test(smtpHost) || savingFolders.test(folder)
}

/** Before a copy is put there. */
export async function intentFor(connection: MailConnection, folder: string): Promise<CopyIntent> {
  const { uidValidity, uidNext } = await connection.listArrivals(folder, maxUid, 1)
  return { folder, uidValidity, uidNext }
}

/**
 * Whether the message is among those that came since. @throws UnknownOutcome where that cannot be found out: the folder was recreated, or
 * more came than is looked at.
 */
export async function hasArrived(connection: MailConnection, intent: CopyIntent, messageId: string): Promise<boolean> {
  let looked = 0
  for (let from = intent.uidNext, hasMore = true; hasMore; ) {
    const page = await connection.changes.listHeaders(intent.folder, [from, maxUid], headersAtOnce, 'oldest')
    // An empty folder may have none yet (0).
    if (intent.uidValidity !== 0 && page.uidValidity !== intent.uidValidity) {
      throw new UnknownOutcome(new Error('the folder was recreated'))
    }
    if (page.headers.some(header => header.messageId === messageId)) return true
    looked += page.headers.length
    if (looked > mostArrived) throw new UnknownOutcome(new Error('too many messages came since'))
    const last = Math.max(0, ...page.headers.map(({ uid }) => uid))
    hasMore = page.hasMore && last >= from
    from = last + 1
  }
  return false
}

/** One that the provider put there. Outlook gives messages an id of its own, so the subject and the time count as well. */
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

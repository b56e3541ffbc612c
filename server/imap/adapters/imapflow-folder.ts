/** Opens a folder, read-only unless it is to be changed, and validates what the server reports about it. */
import type { ImapFlow, MailboxObject } from 'imapflow'
import { lowerAscii } from '../../../contract/ascii-case.ts'
import { Problem } from '../../platform/problem.ts'
import { type Inside, isFalseInbox, personalPrefix } from './imapflow-names.ts'

export interface OpenFolder {
  /** Number of messages. */
  exists: number
  uidValidity: number
  /** Undefined on old servers, which do not report it. */
  uidNext: number | undefined
}

/** Servers may omit or garble fields, whatever ImapFlow's types say. */
type Answer = Partial<MailboxObject>

/** UIDs and UIDVALIDITY have 32 bits (RFC 9051, section 2.3.1.1). */
const maxUid = 2 ** 32 - 1

/** @param readOnly False to change its messages. */
export async function openFolder(client: ImapFlow, path: string, readOnly = true): Promise<OpenFolder> {
  if (isFalseInbox(path)) throw new Problem('folder_not_found', 'There is no such folder.', { part: 'imap' })
  const answer = (await open(client, path, readOnly)) as Answer | undefined
  // ImapFlow returns undefined on a connection that has received BYE.
  if (!answer) throw Object.assign(new Error('closed'), { code: 'NoConnection' })
  const { exists, uidNext } = answer
  // Some servers assign UIDVALIDITY only when the first message arrives.
  const unsaid = exists === 0 ? 0 : undefined
  const uidValidity = answer.uidValidity === undefined ? unsaid : Number(answer.uidValidity)
  if (exists === undefined || exists > maxUid) throw notSaid('its number of messages (EXISTS)')
  if (uidValidity === undefined || uidValidity > maxUid) throw notSaid('the validity of its UIDs (UIDVALIDITY)')
  return { exists, uidValidity, uidNext: uidNext || undefined }
}

async function open(client: ImapFlow, path: string, readOnly: boolean): Promise<MailboxObject> {
  const prefix = personalPrefix(client)
  try {
    return await openExactly(client, path, readOnly)
  } catch (error) {
    // Users know their folder as `Sent` where its path is `INBOX.Sent`.
    if (prefix === '' || path.startsWith(prefix) || !isMissing(error)) throw error
    return openExactly(client, `${prefix}${path}`, readOnly)
  }
}

/** Opens by the exact path. ImapFlow checks existence after NO, but some servers answer BAD for a missing folder. */
async function openExactly(client: ImapFlow, path: string, readOnly: boolean): Promise<MailboxObject> {
  let mailbox: MailboxObject
  try {
    mailbox = await client.mailboxOpen(path, { readOnly })
  } catch (error) {
    if (!isRefusal(error) || !client.usable) throw error
    // After NO, ImapFlow has already listed the folder.
    const listed = error.responseStatus === 'BAD' ? await flagsInList(client, path) : flagsKnown(client, path)
    if (isContainer(listed)) throw notSelectable(error)
    if (error.responseStatus === 'BAD' && !listed) Object.assign(error, { mailboxMissing: true })
    throw error
  }
  if (isUndecided(client, mailbox)) mailbox = await client.mailboxOpen(path)
  // Some servers can open what they list as a container; an earlier listing may be stale, so it is listed again.
  if (isContainer(flagsKnown(client, path)) && isContainer(await flagsInList(client, path))) throw notSelectable()
  return mailbox
}

/** Courier's UIDVALIDITY counts seconds from this Unix time. */
const courierEpoch = 1_000_000_000
const daySeconds = 24 * 60 * 60

/**
 * Courier assigns UIDVALIDITY when a folder is first opened for writing, and until then reports the current time, so
 * that references would expire at the next request. Opening it read-write writes nothing, since all that follows only
 * reads.
 */
function isUndecided({ greeting = '' }: ImapFlow, { uidValidity }: Partial<MailboxObject>): boolean {
  const ageSeconds = Date.now() / 1000 - (Number(uidValidity) + courierEpoch)
  return /courier/i.test(greeting) && Math.abs(ageSeconds) < daySeconds
}

function isRefusal(error: unknown): error is Error & { responseStatus: string } {
  return error instanceof Error && 'responseStatus' in error && /^(NO|BAD)$/.test(String(error.responseStatus))
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'mailboxMissing' in error && error.mailboxMissing === true
}

/** True for a folder that cannot hold messages: \Noselect or \NonExistent. */
function isContainer(flags: ReadonlySet<string> | undefined): boolean {
  return [...(flags ?? [])].some(flag => /^\\(noselect|nonexistent)$/i.test(flag))
}

function flagsKnown(client: ImapFlow, path: string): ReadonlySet<string> | undefined {
  return (client as unknown as Inside).folders.get(path)?.flags
}

/**
 * Undefined when it does not exist; an empty set when that is unknown. Lists all folders, since a name may contain
 * wildcards.
 */
async function flagsInList(client: ImapFlow, path: string): Promise<ReadonlySet<string> | undefined> {
  const entries = await client.list({ listOnly: true }).catch(() => undefined)
  if (!entries) return new Set()
  const wanted = lowerAscii(path) === 'inbox' ? 'INBOX' : path
  return entries.find(entry => entry.path === wanted)?.flags
}

function notSelectable(cause?: unknown): Problem {
  const detail = 'This folder holds other folders and no messages.'
  return new Problem('folder_not_selectable', detail, { part: 'imap', cause })
}

function notSaid(what: string): Problem {
  const detail = `The mail server opened the folder but did not report ${what}, as IMAP requires.`
  return new Problem('mail_server_refused', detail, { part: 'imap' })
}

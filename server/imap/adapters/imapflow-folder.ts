/** Opens a folder, read-only unless it is to be changed, and believes of what the server says about it only what can be true. */
import type { ImapFlow, MailboxObject } from 'imapflow'
import { Problem } from '../../platform/problem.ts'
import { type Inside, personalPrefix } from './imapflow-names.ts'

export interface OpenFolder {
  /** How many messages it holds. */
  exists: number
  uidValidity: number
  /** Old servers do not say it. */
  uidNext: number | undefined
}

/** What a server may leave out or get wrong, whatever the types of ImapFlow say. */
type Answer = Partial<MailboxObject>

/** UIDs and UIDVALIDITY have 32 bits (RFC 9051, section 2.3.1.1). */
const maxUid = 2 ** 32 - 1

/** @param readOnly False to change what is in it. */
export async function openFolder(client: ImapFlow, path: string, readOnly = true): Promise<OpenFolder> {
  const answer = (await open(client, path, readOnly)) as Answer | undefined
  // ImapFlow answers nothing at all on a connection that has said BYE.
  if (!answer) throw Object.assign(new Error('closed'), { code: 'NoConnection' })
  const { exists, uidNext } = answer
  // Some servers decide on it when the first message comes.
  const unsaid = exists === 0 ? 0 : undefined
  const uidValidity = answer.uidValidity === undefined ? unsaid : Number(answer.uidValidity)
  if (exists === undefined || exists > maxUid) throw notSaid('how many messages it holds (EXISTS)')
  if (uidValidity === undefined || uidValidity > maxUid) throw notSaid('how long its UIDs hold (UIDVALIDITY)')
  return { exists, uidValidity, uidNext: uidNext || undefined }
}

async function open(client: ImapFlow, path: string, readOnly: boolean): Promise<MailboxObject> {
  const prefix = personalPrefix(client)
  try {
    return await openExactly(client, path, readOnly)
  } catch (error) {
    // People know their folder as `Sent` where its path is `INBOX.Sent`.
    if (prefix === '' || path.startsWith(prefix) || !isMissing(error)) throw error
    return openExactly(client, `${prefix}${path}`, readOnly)
  }
}

/** ImapFlow looks for a folder that is answered with NO; some servers say BAD of one that is not there. */
async function openExactly(client: ImapFlow, path: string, readOnly: boolean): Promise<MailboxObject> {
  let mailbox: MailboxObject
  try {
    mailbox = await client.mailboxOpen(path, { readOnly })
  } catch (error) {
    if (!isRefusal(error) || !client.usable) throw error
    // What is answered with NO, ImapFlow has listed by its name.
    const listed = error.responseStatus === 'BAD' ? await flagsInList(client, path) : flagsKnown(client, path)
    if (isContainer(listed)) throw notSelectable(error)
    if (error.responseStatus === 'BAD' && !listed) Object.assign(error, { mailboxMissing: true })
    throw error
  }
  if (isUndecided(client, mailbox)) mailbox = await client.mailboxOpen(path)
  // Some servers open what they list as a mere container. What was listed earlier may be a folder by now.
  if (isContainer(flagsKnown(client, path)) && isContainer(await flagsInList(client, path))) throw notSelectable()
  return mailbox
}

/** Its UIDVALIDITY are seconds since this second. */
const courierEpoch = 1_000_000_000
const daySeconds = 24 * 60 * 60

/**
 * Courier decides on a UIDVALIDITY when a folder is opened for writing for the first time. Until then it says the time of day, and no
 * reference holds until the next request. Opened so, nothing is written to it either: all that follows only reads.
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

/** It has folders in it, or had a name once, and cannot hold messages. */
function isContainer(flags: ReadonlySet<string> | undefined): boolean {
  return [...(flags ?? [])].some(flag => /^\\(noselect|nonexistent)$/i.test(flag))
}

function flagsKnown(client: ImapFlow, path: string): ReadonlySet<string> | undefined {
  return (client as unknown as Inside).folders.get(path)?.flags
}

/** Undefined when it is not there; no flags when that cannot be found out. All are listed: a name may be no pattern. */
async function flagsInList(client: ImapFlow, path: string): Promise<ReadonlySet<string> | undefined> {
  const entries = await client.list({ listOnly: true }).catch(() => undefined)
  if (!entries) return new Set()
  const wanted = path.toUpperCase() === 'INBOX' ? 'INBOX' : path
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

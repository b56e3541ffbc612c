/** Opens a folder read-only, and believes of what the server says about it only what can be true. */
import type { ImapFlow, MailboxObject } from 'imapflow'
import { Problem } from '../../platform/problem.ts'

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

export async function openFolder(client: ImapFlow, path: string): Promise<OpenFolder> {
  const answer = (await examine(client, path)) as Answer | undefined
  // ImapFlow answers nothing at all on a connection that has said BYE.
  if (!answer) throw Object.assign(new Error('closed'), { code: 'NoConnection' })
  const { exists, uidNext } = answer
  const uidValidity = answer.uidValidity === undefined ? undefined : Number(answer.uidValidity)
  if (exists === undefined || exists > maxUid) throw notSaid('how many messages it holds (EXISTS)')
  if (uidValidity === undefined || uidValidity > maxUid) throw notSaid('how long its UIDs hold (UIDVALIDITY)')
  return { exists, uidValidity, uidNext: uidNext || undefined }
}

/** ImapFlow looks for a folder that is answered with NO; some servers say BAD of one that is not there. */
async function examine(client: ImapFlow, path: string): Promise<MailboxObject> {
  try {
    return await client.mailboxOpen(path, { readOnly: true })
  } catch (error) {
    if (isBad(error) && !(await isListed(client, path))) Object.assign(error, { mailboxMissing: true })
    throw error
  }
}

function isBad(error: unknown): error is Error {
  return error instanceof Error && 'responseStatus' in error && error.responseStatus === 'BAD'
}

/** Also when it cannot be found out. */
async function isListed(client: ImapFlow, path: string): Promise<boolean> {
  const entries = await client.list({ listOnly: true }).catch(() => undefined)
  const { prefix = '' } = client.namespace ?? {}
  const names = new Set([path, `${prefix}${path}`, path.toUpperCase() === 'INBOX' ? 'INBOX' : path])
  return entries?.some(entry => names.has(entry.path)) ?? true
}

function notSaid(what: string): Problem {
  const detail = `The mail server opened the folder and did not say ${what}, as every IMAP server must.`
  return new Problem('mail_server_refused', detail, { part: 'imap' })
}

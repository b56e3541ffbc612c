/** How a message begins, in a line for lists: of what is new in it, not of what it quotes. */
import { maxPreview } from '../../contract/mail-preview.ts'
import type { MailConnection, MessageHeader } from '../imap/mail-gateway.ts'
import type { Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import { readText } from '../reading/read-text.ts'
import { cutText } from '../reading/stranger-text.ts'

/** Of each text part; enough for a line behind a greeting. */
const previewBytes = 1024

/** By UID. A list is worth more than how its messages begin: where the mail server refuses that, there is none. */
export async function readPreviews(
  connection: MailConnection,
  folder: string,
  messages: readonly MessageHeader[],
): Promise<ReadonlyMap<number, string>> {
  const uids = messages.map(({ uid }) => uid)
  try {
    return await connection.listPreviews(folder, uids, previewBytes)
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    return new Map()
  }
}

/** Null where there is no text. */
export function previewOf(text: string | undefined): string | null {
  if (text === undefined) return null
  const { fresh, plain } = readText(text)
  const line = (fresh.trim() || plain).replaceAll(/\s+/g, ' ').trim()
  return line === '' ? null : cutText(line, maxPreview)
}

/** Undefined where nobody asked, or who asks may not read: how a mail begins is part of it. */
export async function previewsFor(
  principal: Principal,
  preview: 'true' | 'false' | undefined,
  connection: MailConnection,
  folder: string,
  messages: readonly MessageHeader[],
): Promise<ReadonlyMap<number, string> | undefined> {
  if (preview !== 'true' || !principal.scopes.has('mail:read')) return undefined
  return readPreviews(connection, folder, messages)
}

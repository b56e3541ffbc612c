/** One-line previews of messages for lists: the beginning of new text, without quotations. */
import { maxPreview } from '../../contract/mail-preview.ts'
import type { MailConnection, MessageHeader } from '../imap/mail-gateway.ts'
import type { Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import { readText } from '../reading/read-text.ts'
import { cutText } from '../reading/stranger-text.ts'

/** Bytes read per text part; enough for a line after a greeting. */
const previewBytes = 1024

/** Maps UIDs to previews. Empty when the mail server refuses, since a list matters more than its previews. */
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

/** Null when there is no text. */
export function previewOf(text: string | undefined): string | null {
  if (text === undefined) return null
  const { fresh, plain } = readText(text)
  const line = (fresh.trim() || plain).replaceAll(/\s+/g, ' ').trim()
  return line === '' ? null : cutText(line, maxPreview)
}

/** Undefined when not requested, or without the scope for reading, since previews reveal content. */
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

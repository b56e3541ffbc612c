/** Messages and parts where a reference or cursor says that they are, as long as the folder is still the same one. */
import type { Message } from '../../contract/mail.ts'
import type { MailConnection, MessageContent } from '../imap/mail-gateway.ts'
import type { ListPlace, MessagePlace } from '../imap/message-ref.ts'
import { Problem } from '../platform/problem.ts'

/** Parts of a message are cut here; the contract says so. */
const maxPartBytes = 1024 * 1024

export async function getContent(connection: MailConnection, place: MessagePlace): Promise<MessageContent> {
  const { uidValidity, message } = await connection.getMessage(place.folder, place.uid, maxPartBytes, place.part)
  checkValidity(place, uidValidity)
  if (!message) throw gone()
  return message
}

export function gone(): Problem {
  return new Problem('message_not_found', 'The message no longer exists: it was moved or deleted on the mail server.')
}

export async function findPart(
  connection: MailConnection,
  place: MessagePlace,
  id: string,
  maxBytes: number,
): Promise<Buffer | undefined> {
  const { uidValidity, bytes } = await connection.findPart(place.folder, place.uid, id, maxBytes)
  checkValidity(place, uidValidity)
  return bytes
}

export async function findNothing(): Promise<undefined> {}

export function checkCursor(place: ListPlace | undefined, uidValidity: number): void {
  if (place === undefined || place.uidValidity === uidValidity) return
  throw new Problem('stale_cursor', 'The folder was recreated on the mail server; list it from the beginning.')
}

export function checkValidity(place: MessagePlace, uidValidity: number): void {
  if (uidValidity === place.uidValidity) return
  throw new Problem('stale_ref', 'The folder was recreated on the mail server; list it again for new references.')
}

/** Servers answer From where there is no such header. */
export function otherSender({ sender, from }: MessageContent): Message['sender'] {
  const known = new Set(from.map(({ email }) => email.toLowerCase()))
  return sender.filter(({ email }) => !known.has(email.toLowerCase()))
}

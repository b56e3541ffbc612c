/** Names the people in the thread of an answered message whom its sender chose, as far as that is known. */
import type { Message } from '../../contract/mail.ts'

/**
 * @returns Addresses. Of a verified message a field counts only if the signature covers it: anyone who passes it on may
 * have added a recipient. Of others all fields count, since their sender may be anyone anyway.
 */
export function threadPeople(message: Pick<Message, 'from' | 'reply_to' | 'to' | 'cc' | 'auth'>): ReadonlySet<string> {
  const unsigned = new Set<string>(message.auth?.unsigned)
  const lists = (['reply_to', 'to', 'cc'] as const).filter(field => !unsigned.has(field))
  return new Set([...message.from, ...lists.flatMap(field => message[field])].map(({ email }) => email))
}

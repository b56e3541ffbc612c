/** Messages that were read as lines, for models that are shown text: a head of what is known, then the body in its fence. */
import type { Person } from './mail-address.ts'
import type { Read } from './message-reader.ts'
import type { ReadMessage } from './read-message.ts'
import { nameWords, peopleWords, shortDate } from './told-lines.ts'

export function readLines({ messages, failed = [], left, cursor }: Read): string {
  return [
    ...messages.map(messageLines),
    ...failed.map(({ ref, code, why }) => `Not read: ${ref}: ${code}: ${why}`),
    ...(left === undefined ? [] : [`Messages not read whole: ${left}`]),
    ...(cursor === undefined ? [] : [`Go on with: cursor ${cursor}`]),
  ].join('\n\n')
}

function messageLines(message: ReadMessage): string {
  const { ref, from, to, cc, reply_to: replyTo, sender, more_people: morePeople, warn, auth, date, subject } = message
  const { message_id: messageId, flags, labels, untrusted_body: body, note, more } = message
  const { attachments = [], more_attachments: moreAttachments = 0, calendar } = message
  const people = (name: string, list: Person[] | undefined) => (list ? [`${name}: ${peopleWords(list)}`] : [])
  return [
    `ref: ${ref}`,
    ...people('from', from),
    ...people('sender', sender),
    ...people('to', to),
    ...people('cc', cc),
    ...people('reply_to', replyTo),
    ...(morePeople === undefined ? [] : [`more_people: ${morePeople}`]),
    ...(warn ? [`warn: ${warn.join(' ')}`] : []),
    ...(auth ? [`auth: ${pairs(auth)}`] : []),
    `date: ${shortDate(date)}`,
    `subject: ${subject}`,
    ...(messageId === undefined ? [] : [`message_id: ${messageId}`]),
    ...(flags ? [`flags: ${flags.join(' ')}`] : []),
    ...(labels ? [`labels: ${labels.map(nameWords).join(' ')}`] : []),
    ...(note === undefined ? [] : [`note: ${note}`]),
    ...attachments.map(fileLine),
    ...(moreAttachments > 0 ? [`more_attachments: ${moreAttachments}`] : []),
    // What it says of events has no fixed fields.
    ...(calendar ? [`calendar: ${JSON.stringify(calendar)}`] : []),
    ...(body === undefined ? [] : [body]),
    ...(more === undefined ? [] : [`more: ${more} characters left`]),
  ].join('\n')
}

function fileLine({ id, type, bytes, ref, name }: NonNullable<ReadMessage['attachments']>[number]): string {
  const known = [id, type, `${bytes} bytes`, ...(ref === undefined ? [] : [`ref ${ref}`])]
  return `attachment: ${known.join(', ')}${name === undefined ? '' : `: ${name}`}`
}

function pairs(record: Record<string, string>): string {
  return Object.entries(record)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ')
}

/**
 * Mail as lines, for models that are shown text: every fact of the structured answer, in fewer words. What is certain stands first and what a stranger
 * chose stands last, in one line each, so that no subject or name can pass for anything else.
 */
import type { Person } from './mail-address.ts'
import type { Read } from './message-reader.ts'
import type { ReadMessage } from './read-message.ts'

const brackets: Record<string, string> = { '(': '[', ')': ']' }

/**
 * `ann@example.org (Ann)`: the address, which cannot be made up to look like another and has no blanks, is first. A name has no round brackets, so that
 * it cannot end before its time and go on as somebody else.
 */
export function personWords({ name, ...person }: Person): string {
  const address = addressWords(person)
  return name === undefined ? address : `${address} (${name.replaceAll(/[()]/g, each => brackets[each]!)})`
}

export function addressWords({ email, invalid }: Omit<Person, 'name'>): string {
  return email ?? (invalid === undefined ? 'no address' : `invalid address ${JSON.stringify(invalid)}`)
}

export function peopleWords(people: readonly Person[]): string {
  return people.length === 0 ? 'no address' : people.map(personWords).join(', ')
}

/** A name of a folder, or a label: as it is, or in quotation marks where it could be read as more than one. */
export function nameWords(name: string): string {
  return /^[\w$./-]+$/.test(name) ? name : JSON.stringify(name)
}

export interface ToldHit {
  ref: string
  from: string
  to?: string | undefined
  more_to?: number | undefined
  warn?: string[] | undefined
  subject: string
  snippet?: string | undefined
  date: string
  folder?: string | undefined
  thread?: string | undefined
  found?: number | undefined
  flags?: string[] | undefined
  labels?: string[] | undefined
  attachments?: boolean | undefined
  faults?: string[] | undefined
}

/** `<ref> 2026-11-20T08:59Z [seen, in Archive] ann@example.org (Ann): Lunch`, and the snippet on a line of its own. */
export function hitLines(hit: ToldHit): string {
  const { ref, from, subject, snippet, date } = hit
  const marks = marksOf(hit)
  const known = [ref, date, ...(marks.length > 0 ? [`[${marks.join(', ')}]`] : [])]
  const line = `${known.join(' ')} ${from}: ${subject}`
  return snippet === undefined ? line : `${line}\n  ${JSON.stringify(snippet)}`
}

function marksOf({ to, more_to: moreTo = 0, warn, folder, thread, found, flags = [], ...hit }: ToldHit): string[] {
  const { labels = [], attachments, faults } = hit
  return [
    ...flags,
    ...labels.map(label => `label ${nameWords(label)}`),
    ...(attachments ? ['attachments'] : []),
    ...(folder === undefined ? [] : [`in ${nameWords(folder)}`]),
    ...(thread === undefined ? [] : [`thread ${thread}`]),
    ...(found === undefined ? [] : [`${found} found`]),
    ...(to === undefined ? [] : [`to ${to}${moreTo > 0 ? `, ${moreTo} more` : ''}`]),
    ...(warn ? [`warn ${warn.join(' ')}`] : []),
    ...(faults ? [`faults ${faults.join(' ')}`] : []),
  ]
}

/** Without seconds, which tell a model nothing. */
export function shortDate(iso: string): string {
  return iso.replace(/:\d\d(\.\d+)?Z$/, 'Z')
}

/** Messages that were read: a head of what is known, then the body in its fence. */
export function readLines({ messages, failed = [], left, cursor }: Read): string {
  return [
    ...messages.map(messageLines),
    ...failed.map(({ ref, code, why }) => `Not read: ${ref}: ${code}: ${why}`),
    ...(left === undefined ? [] : [`Messages not fully read: ${left}`]),
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

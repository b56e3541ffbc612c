/**
 * Renders mail as lines for text-only models: every fact of the structured output, in fewer words. Certain facts come
 * first and a stranger's words last, on one line each, so that no subject or name can imitate anything else.
 */
import type { Person } from './mail-address.ts'
import type { Read } from './message-reader.ts'
import type { ReadMessage } from './read-message.ts'

const brackets: Record<string, string> = { '(': '[', ')': ']' }

/**
 * `ann@example.org (Ann)`: the address comes first, since it has no blanks and cannot be disguised. Parentheses in
 * names are replaced, so that a name cannot end early and imitate another sender.
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

/** Returns a folder or label name, quoted where it could be misread as several. */
export function nameWords(name: string): string {
  return /^[\w$./-]+$/.test(name) ? name : JSON.stringify(name)
}

export interface ToolHit {
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

/** `<ref> 2026-11-20T08:59Z [seen, in Archive] ann@example.org (Ann): Lunch`, with the snippet on a separate line. */
export function hitLines(hit: ToolHit): string {
  const { ref, from, subject, snippet, date } = hit
  const marks = marksOf(hit)
  const known = [ref, date, ...(marks.length > 0 ? [`[${marks.join(', ')}]`] : [])]
  const line = `${known.join(' ')} ${from}: ${subject}`
  return snippet === undefined ? line : `${line}\n  ${JSON.stringify(snippet)}`
}

function marksOf({ to, more_to: moreTo = 0, warn, folder, thread, found, flags = [], ...hit }: ToolHit): string[] {
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

/** Omits seconds, which do not help a model. */
export function shortDate(iso: string): string {
  return iso.replace(/:\d\d(\.\d+)?Z$/, 'Z')
}

/** Renders read messages: the known facts, then the fenced body. */
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
    // Fields of events vary.
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

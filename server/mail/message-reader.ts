/** Reads messages for a model, as many and as much of each as fits into one reply; a cursor leads on from where it ended. */
import { z } from 'zod'
import type { Message, MessageFault } from '../../contract/mail.ts'
import type { Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import { Person, toPerson } from './mail-address.ts'
import type { MailService } from './mail-service.ts'
import type { MessagePlace } from './message-ref.ts'
import { newText } from './new-text.ts'
import { readNotes } from './read-notes.ts'
import { type ReadFrom, readableText } from './readable-text.ts'
import { cleanLine, Fence } from './stranger-text.ts'
import { fromToolRef } from './tool-ref.ts'

export const View = z.enum(['new', 'text', 'plain', 'headers'])
export type View = z.infer<typeof View>

export const ReadMessage = z.object({
  ref: z.string(),
  from: z.array(Person),
  to: z.array(Person).optional(),
  cc: z.array(Person).optional(),
  reply_to: z.array(Person).optional(),
  sender: z.array(Person).optional(),
  more_people: z.int().optional(),
  warn: z.array(z.string()).optional(),
  auth: z.record(z.string(), z.string()).optional(),
  date: z.string(),
  subject: z.string(),
  message_id: z.string().optional(),
  flags: z.array(z.string()).optional(),
  untrusted_body: z.string().optional(),
  note: z.string().optional(),
  more: z.int().optional().describe('Characters of this body that are left'),
  attachments: z.array(z.object({ id: z.string(), name: z.string(), type: z.string(), bytes: z.int() })).optional(),
  more_attachments: z.int().optional(),
})
export type ReadMessage = z.infer<typeof ReadMessage>

export interface Reading {
  refs: readonly string[]
  view: View
  /** Of the whole reply, about; heads count too. */
  maxChars: number
  cursor: string | undefined
}

/** Who reads, and who is told of what was read. */
export interface Reader {
  principal: Principal
  accountId: string
  signal: AbortSignal
  note(refs: Record<string, string>): void
}

export interface Read {
  messages: ReadMessage[]
  failed?: { ref: string; code: string; why: string }[]
  left?: number
  cursor?: string
}

/** Where the next reply begins: which of the references, and at which character of its body. */
interface Place {
  index: number
  offset: number
}

/** Shown of each list; how many there are more is said. */
const maxPeople = 10
const maxAttachments = 20
/** Of each body that is begun, however long the heads are, so that a cursor always leads on. */
const leastPiece = 200
/** A message that is gone does not keep the others from being read. */
const ofOneMessage = new Set(['message_not_found', 'stale_ref', 'folder_not_found'])

export class MessageReader {
  readonly #mail: Pick<MailService, 'getMessage' | 'placeOf'>

  constructor(mail: Pick<MailService, 'getMessage' | 'placeOf'>) {
    this.#mail = mail
  }

  /**
   * @param accountId Of all references.
   * @throws Problem when none of them can be read.
   */
  async read({ principal, accountId, signal, note }: Reader, { refs, view, maxChars, cursor }: Reading): Promise<Read> {
    const fence = new Fence()
    const messages: ReadMessage[] = []
    const failures: { ref: string; problem: Problem }[] = []
    const read: MessagePlace[] = []
    let place = placeOf(cursor, refs.length)
    for (let left = maxChars; place.index < refs.length && left > 0; ) {
      signal.throwIfAborted()
      const ref = refs[place.index]!
      const message = await this.#find(principal, accountId, ref, signal)
      if (message instanceof Problem) {
        failures.push({ ref, problem: message })
        place = { index: place.index + 1, offset: 0 }
        continue
      }
      const head = headOf(ref, message, view)
      left -= JSON.stringify(head).length
      if (messages.length > 0 && left < leastPiece) break
      read.push(this.#mail.placeOf(accountId, fromToolRef(ref).ref))
      note(readNotes(read))
      const { rest, offset, ...body } = bodyFrom(message, view, place.offset, Math.max(left, leastPiece))
      const { untrusted_body: text } = body
      messages.push({ ...head, ...body, ...(text === undefined ? {} : { untrusted_body: fence.around(text) }) })
      left -= text?.length ?? 0
      place = rest ? { index: place.index, offset } : { index: place.index + 1, offset: 0 }
    }
    const [first] = failures
    if (first && failures.length === refs.length) throw first.problem
    const isWhole = place.index >= refs.length
    return {
      messages,
      ...(first && { failed: failures.map(({ ref, problem }) => ({ ref, code: problem.code, why: problem.message })) }),
      ...(isWhole ? {} : { left: refs.length - place.index, cursor: `${place.index}-${place.offset}` }),
    }
  }

  async #find(principal: Principal, accountId: string, ref: string, signal: AbortSignal): Promise<Message | Problem> {
    try {
      return await this.#mail.getMessage(principal, accountId, fromToolRef(ref).ref, signal)
    } catch (error) {
      if (error instanceof Problem && ofOneMessage.has(error.code)) return error
      throw error
    }
  }
}

function placeOf(cursor: string | undefined, count: number): Place {
  const [, index, offset] = /^(\d{1,2})-(\d{1,8})$/.exec(cursor ?? '0-0') ?? []
  if (index !== undefined && Number(index) < count) return { index: Number(index), offset: Number(offset) }
  throw new Problem('bad_request', 'cursor: is not of these refs; give it with the same refs and the same view.')
}

type Body = Pick<ReadMessage, 'untrusted_body' | 'note' | 'more'> & { rest: boolean; offset: number }

/** As much of it as there is room for. */
function bodyFrom(message: Message, view: View, offset: number, length: number): Body {
  if (view === 'headers') {
    const note = message.faults.map(fault => faultNotes[fault]).join(' ')
    return { ...(note === '' ? {} : { note }), rest: false, offset }
  }
  const { words, readFrom } = readableText(message, view === 'plain')
  const body = view === 'new' ? newText(words) : words
  const piece = pieceOf(body, offset, length)
  const end = offset + piece.length
  const note = noteOf(message, body, readFrom)
  return {
    ...(piece === '' ? {} : { untrusted_body: piece }),
    ...(note === undefined ? {} : { note }),
    ...(end < body.length && { more: body.length - end }),
    rest: end < body.length,
    offset: end,
  }
}

/** Never half of a character that takes two places. */
function pieceOf(body: string, offset: number, length: number): string {
  const end = offset + length
  return body.slice(offset, /[\ud800-\udbff]/.test(body[end - 1] ?? '') ? end - 1 : end)
}

/** What the reader must know of a text, by where it was read. */
const origins: Record<ReadFrom, string> = {
  text: 'The HTML part, which people are shown, does not say all of this.',
  html: 'This text was made from the HTML part.',
  html_instead:
    'This text was made from the HTML part, which people are shown. The text part says something else; view plain reads it.',
}

const faultNotes: Record<MessageFault, string> = {
  headers_too_large: 'The headers of the message are too long; what is shown of them may be cut.',
  structure_too_large: 'The message has too many parts; only the first are shown.',
  structure_missing: 'The mail server does not say what parts the message has.',
  unreadable: 'What the mail server says of this message cannot be read.',
}

function noteOf(message: Message, body: string, readFrom: ReadFrom): string | undefined {
  const { html, is_truncated, parts_differ, faults } = message
  const notes = [
    ...faults.map(fault => faultNotes[fault]),
    ...(readFrom !== 'text' || parts_differ ? [origins[readFrom]] : []),
    ...(is_truncated ? ['A part of the message is longer than 1 MiB; what is behind that is not here.'] : []),
    ...(body === '' ? [`This message has no text${html === null ? '' : ', and its HTML shows none'}.`] : []),
  ]
  return notes.length === 0 ? undefined : notes.join(' ')
}

function headOf(ref: string, message: Message, view: View): ReadMessage {
  const { from, date, subject, sender_warnings: warnings, auth, attachments } = message
  const hidden = message.attachment_count - Math.min(attachments.length, maxAttachments)
  const lists = view === 'headers' ? listsOfHeaders : listsOfText
  const left = lists.reduce((sum, list) => sum + countOf(message, list) - Math.min(message[list].length, maxPeople), 0)
  return {
    ref,
    ...peopleOf(message, lists),
    from: from.slice(0, maxPeople).map(toPerson),
    ...(left > 0 && { more_people: left }),
    ...(warnings.length > 0 && { warn: warnings }),
    ...(auth && { auth: authOf(auth) }),
    date,
    subject: cleanLine(subject),
    ...(view === 'headers' && headersOf(message)),
    ...(attachments.length > 0 && { attachments: attachments.slice(0, maxAttachments).map(fileOf) }),
    ...(hidden > 0 && { more_attachments: hidden }),
  }
}

type PeopleList = 'from' | 'sender' | 'to' | 'cc' | 'reply_to'

const listsOfText: readonly PeopleList[] = ['from', 'sender', 'to']
const listsOfHeaders: readonly PeopleList[] = [...listsOfText, 'cc', 'reply_to']

function peopleOf(message: Message, lists: readonly PeopleList[]): Record<string, Person[]> {
  const named = lists.filter(list => message[list].length > 0)
  return Object.fromEntries(named.map(list => [list, message[list].slice(0, maxPeople).map(toPerson)]))
}

/** Of which the message holds the first. */
function countOf(message: Message, list: PeopleList): number {
  return list === 'sender' ? message.sender.length : message[`${list}_count`]
}

function authOf(auth: NonNullable<Message['auth']>): Record<string, string> {
  return Object.fromEntries(Object.entries(auth).flatMap(([name, value]) => (value === null ? [] : [[name, value]])))
}

function headersOf({ message_id, flags }: Message): Partial<ReadMessage> {
  return {
    ...(message_id !== null && { message_id: cleanLine(message_id) }),
    ...(flags.length > 0 && { flags }),
  }
}

function fileOf({ id, name, type, size_bytes }: Message['attachments'][number]) {
  return { id: cleanLine(id), name: cleanLine(name ?? ''), type: cleanLine(type), bytes: size_bytes }
}

/** The body of a message for a model: a piece of limited length, and a note on what the reader must know about it. */
import { z } from 'zod'
import type { MessageFault } from '../../contract/mail.ts'
import type { NoOutcome } from '../reading/job-cache.ts'
import { maxAtOnce } from '../reading/parts-reader.ts'
import { type ReadFrom, type ReadParts, readText } from '../reading/read-text.ts'
import type { UncomparedMessage } from './mail-service.ts'

export const View = z.enum(['new', 'text', 'plain', 'headers'])
export type View = z.infer<typeof View>

/** Position where a piece begins. */
export interface BodyPlace {
  offset: number
  /** The position is in the text part that replaces an unreadable HTML part; later pages must not switch bodies. */
  isStandIn: boolean
}

export interface BodyPiece {
  untrusted_body?: string
  note?: string
  /** Number of remaining characters. */
  more?: number
  /** Position of the next piece; undefined at the end. */
  next: BodyPlace | undefined
}

/** @param parts Undefined when not requested: for a stand-in, or headers only. */
export function bodyPiece(
  message: UncomparedMessage,
  parts: ReadParts | NoOutcome | undefined,
  view: View,
  place: BodyPlace,
  length: number,
): BodyPiece {
  if (view === 'headers') return { ...noteOf(message, []), next: undefined }
  if (typeof parts === 'object') {
    const { words, readFrom } = wordsOf(parts, view)
    const isNoted = readFrom !== 'text' || parts.differ
    return pieceOf(message, words, isNoted ? [origins[readFrom]] : [], place, length)
  }
  if (place.offset === 0 || place.isStandIn) return standIn(message, parts, view, place, length)
  if (parts === 'gave_up')
    return { ...noteOf(message, ['The rest of this message could not be read.']), next: undefined }
  return { ...noteOf(message, [`${busy} Call again with the same cursor in a moment.`]), next: place }
}

function wordsOf({ plain, shown, fresh, readFrom }: ReadParts, view: View): { words: string; readFrom: ReadFrom } {
  if (view === 'plain' && plain !== '') return { words: plain, readFrom: 'text' }
  return { words: view === 'new' ? fresh : (shown ?? plain), readFrom }
}

/** Returns the text part in place of unreadable HTML. Only its beginning, since it is read on the main thread. */
function standIn(
  message: UncomparedMessage,
  why: NoOutcome | undefined,
  view: View,
  { offset }: BodyPlace,
  length: number,
): BodyPiece {
  const text = message.text ?? ''
  const { words } = wordsOf(readText(text.slice(0, maxAtOnce).toWellFormed()), view)
  const notes = [
    message.html === null ? 'This message could not be read completely in time.' : unread,
    ...(why === 'busy' ? [`${busy} Read this message again in a moment.`] : []),
    ...(message.html !== null && words !== '' ? ['This is the text part, which may differ.'] : []),
    ...(text.length > maxAtOnce ? ['Only the beginning of the text is included.'] : []),
  ]
  return pieceOf(message, words, notes, { offset, isStandIn: true }, length)
}

function pieceOf(
  message: UncomparedMessage,
  body: string,
  origin: string[],
  { offset, isStandIn }: BodyPlace,
  length: number,
): BodyPiece {
  const [begin, end] = [wholeFrom(body, offset, 1), wholeFrom(body, offset + length, -1)]
  const piece = body.slice(begin, end)
  const { html, is_truncated } = message
  const isUnread = isStandIn && html !== null
  const empty = isUnread
    ? 'There is no text part.'
    : `This message has no text${html === null ? '' : ', and its HTML shows none'}.`
  return {
    ...(piece === '' ? {} : { untrusted_body: piece }),
    ...noteOf(message, [
      ...origin,
      ...(is_truncated ? ['A part of the message is longer than 1 MiB; the rest is not included.'] : []),
      ...(body === '' ? [empty] : []),
    ]),
    ...(end < body.length && { more: body.length - end }),
    next: end < body.length ? { offset: end, isStandIn } : undefined,
  }
}

/** Moves a position out of a surrogate pair, forwards or backwards by `step`. */
function wholeFrom(body: string, place: number, step: 1 | -1): number {
  return /[\ud800-\udbff]/.test(body[place - 1] ?? '') ? place + step : place
}

const unread = 'The HTML part, which people are shown, could not be read in time.'
const busy = 'RustyMail is busy with other messages.'

/** Notes on a text by its source. */
const origins: Record<ReadFrom, string> = {
  text: 'The HTML part, which people are shown, does not say all of this.',
  html: 'This text was made from the HTML part.',
  both: 'This text was made from text and HTML parts, in order.',
  html_instead:
    'This text was made from the HTML part, which people are shown. The text part says something else; view plain reads it.',
}

const faultNotes: Record<MessageFault, string> = {
  headers_too_large: 'The headers of the message are too long and may be truncated.',
  structure_too_large: 'The message has too many parts; only the first are shown.',
  structure_missing: 'The mail server does not report the parts of the message.',
  unreadable: 'The mail server’s description of this message is unreadable.',
  structure_too_deep: 'Parts of the message are nested more than 50 levels deep; they are not shown.',
  encrypted: 'The message is encrypted, or wrapped in an S/MIME signature; its content cannot be read here.',
  packed_for_outlook:
    'Attachments, and maybe the text, are packed in winmail.dat (TNEF), which could not be unpacked completely.',
  repeated_headers: 'From, Subject or another header occurs several times; the first is shown.',
}

const attachedNote = 'It was attached to another message. Its author is not verified.'

function noteOf({ faults, attached_to }: UncomparedMessage, others: string[]): { note?: string } {
  const notes = [...(attached_to === null ? [] : [attachedNote]), ...faults.map(fault => faultNotes[fault]), ...others]
  return notes.length === 0 ? {} : { note: notes.join(' ') }
}

/** Reads messages for a model, as many and as much of each as fits into one reply; a cursor continues it. */

import { createHash } from 'node:crypto'
import type { MessagePlace } from '../imap/message-ref.ts'
import type { Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import { Fence } from '../reading/stranger-text.ts'
import { type BodyPlace, bodyPiece, type View } from './body-piece.ts'
import type { MailService, OpenedMessage } from './mail-service.ts'
import { fromToolRef, headOf, type ReadMessage } from './read-message.ts'

export interface Reading {
  refs: readonly string[]
  view: View
  /** Approximate budget of the whole reply, headers included. */
  maxChars: number
  cursor: string | undefined
}

/** The caller, and the callback that records what was read. */
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

type Mail = Pick<MailService, 'getUncompared'>

/** Start of the next reply: index of the reference, and position in its body. */
interface Place extends BodyPlace {
  index: number
}

/** Minimum characters of a body that is begun, whatever the length of headers, so that a cursor always advances. */
const leastPiece = 200
/** Messages per reply, as many as one audit entry can name; the cursor continues. */
const maxMessages = 20
/** Problems of a single message, which do not prevent reading the others. */
const ofOneMessage = new Set(['message_not_found', 'stale_ref', 'folder_not_found'])

export class MessageReader {
  readonly #mail: Mail

  constructor(mail: Mail) {
    this.#mail = mail
  }

  /**
   * @param accountId The account of all references.
   * @throws Problem when none of them can be read.
   */
  async read({ principal, accountId, signal, note }: Reader, { refs, view, maxChars, cursor }: Reading): Promise<Read> {
    const fence = new Fence()
    const messages: ReadMessage[] = []
    const failures: { ref: string; problem: Problem }[] = []
    const read: MessagePlace[] = []
    let place = placeOf(cursor, refs.length)
    for (let left = maxChars; place.index < refs.length && left > 0 && messages.length < maxMessages; ) {
      signal.throwIfAborted()
      const ref = refs[place.index]!
      const opened = await this.#find(principal, accountId, ref, signal, place.offset > 0)
      if (opened instanceof Problem) {
        failures.push({ ref, problem: opened })
        place = beginOf(place.index + 1)
        continue
      }
      const { message } = opened
      const head = headOf(ref, message, view)
      left -= JSON.stringify(head).length
      if (messages.length > 0 && left < leastPiece) break
      read.push(opened.place)
      note(readNotes(read))
      // A stand-in for the HTML part is read to its end.
      const isAsked = view !== 'headers' && !place.isStandIn
      const parts = isAsked ? await opened.parts() : undefined
      const { next, ...body } = bodyPiece(message, parts, view, place, Math.max(left, leastPiece))
      const { untrusted_body: text } = body
      messages.push({ ...head, ...body, ...(text === undefined ? {} : { untrusted_body: fence.around(text) }) })
      left -= text?.length ?? 0
      const isStuck = next?.offset === place.offset
      place = next ? { index: place.index, ...next } : beginOf(place.index + 1)
      if (isStuck) break
    }
    const [first] = failures
    if (first && failures.length === refs.length) throw first.problem
    const isWhole = place.index >= refs.length
    return {
      messages,
      ...(first && { failed: failures.map(({ ref, problem }) => ({ ref, code: problem.code, why: problem.message })) }),
      ...(isWhole ? {} : { left: refs.length - place.index, cursor: cursorOf(place) }),
    }
  }

  async #find(
    principal: Principal,
    accountId: string,
    ref: string,
    signal: AbortSignal,
    isBegun: boolean,
  ): Promise<OpenedMessage | Problem> {
    try {
      return await this.#mail.getUncompared(principal, accountId, fromToolRef(ref).ref, signal, isBegun)
    } catch (error) {
      if (error instanceof Problem && ofOneMessage.has(error.code)) return error
      throw error
    }
  }
}

function beginOf(index: number): Place {
  return { index, offset: 0, isStandIn: false }
}

function cursorOf({ index, offset, isStandIn }: Place): string {
  return `${index}-${offset}${isStandIn ? 't' : ''}`
}

function placeOf(cursor: string | undefined, count: number): Place {
  const [, index, offset, standIn] = /^(\d{1,3})-(\d{1,8})(t?)$/.exec(cursor ?? '0-0') ?? []
  if (index !== undefined && Number(index) < count) {
    return { index: Number(index), offset: Number(offset), isStandIn: standIn === 't' }
  }
  throw new Problem('bad_request', 'cursor: belongs to other refs; pass it with the same refs and view.')
}

const unseen = /[\p{Default_Ignorable_Code_Point}\u2028\u2029\ufff9-\ufffb]/gu
/** Maximum length of a value in an audit entry. Two folders with a message each fit into one, so twenty take ten. */
const maxNoteLength = 700
/** Maximum length of a quoted folder path; a longer one is shortened and gets a digest. */
const maxFolderLength = 280
const digestLength = 12

/**
 * Lists messages for an audit entry: `"INBOX" 3:771,772` is folder, UIDVALIDITY and UIDs; several folders are separated
 * by `; `, and continued in `read_2` and so on.
 * @param places At most twenty, in any order.
 */
export function readNotes(places: readonly MessagePlace[]): Record<string, string> {
  const uids = new Map<string, Set<number>>()
  for (const { folder, uidValidity, uid } of places) {
    const list = `${quoted(folder)} ${uidValidity}`
    uids.set(list, (uids.get(list) ?? new Set()).add(uid))
  }
  const notes: string[] = []
  for (const [list, all] of uids) {
    const note = `${list}:${[...all].join()}`
    const last = notes.at(-1)
    if (last === undefined || last.length + note.length + 2 > maxNoteLength) notes.push(note)
    else notes[notes.length - 1] = `${last}; ${note}`
  }
  return Object.fromEntries(notes.map((note, index) => [index === 0 ? 'read' : `read_${index + 1}`, note]))
}

/** Quotes and escapes a folder name, which could imitate several; invisible characters become escapes. */
function quoted(folder: string): string {
  const whole = escaped(folder)
  if (whole.length <= maxFolderLength) return whole
  const digest = createHash('sha256').update(folder).digest('hex').slice(0, digestLength)
  let length = 120
  while (escaped(folder.slice(0, length)).length > maxFolderLength - digestLength - 1) length >>= 1
  return `${escaped(folder.slice(0, length).toWellFormed())}…${digest}`
}

function escaped(folder: string): string {
  const numberOf = (character: string) =>
    character.replaceAll(/[\s\S]/g, unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
  return JSON.stringify(folder).replaceAll(unseen, numberOf)
}

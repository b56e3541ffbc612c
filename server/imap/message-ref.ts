/**
 * Opaque, signed references to messages and list positions: clients can store them, but neither create nor change them.
 */
import { badInput, Problem } from '../platform/problem.ts'
import type { Signer } from '../platform/secret-box.ts'

/** Identifies a message. UIDs are valid only under their UIDVALIDITY (RFC 9051, section 2.3.1.1). */
export interface MessagePlace {
  folder: string
  uidValidity: number
  uid: number
  /** The part number, for a message that is attached to that message. */
  part?: string
}

/** Position in a list: it continues below this UID. */
export interface ListPlace {
  uidValidity: number
  beforeUid: number
}

const numbersBytes = 8
/** Offset of the UID, the second of the two numbers. */
const uidBytes = 4
const signatureBytes = 12
/** Maximum bytes of a path: a reference has at most 700 characters (contract), which is 525 bytes. */
const maxFolderBytes = 430
const maxPartLength = 60

export class MessageRefs {
  readonly #signer: Signer

  constructor(signer: Signer) {
    this.#signer = signer
  }

  /**
   * Encodes UIDVALIDITY, UID, folder and part, and the signature; the account is only signed, since callers name it
   * anyway.
   */
  encode(accountId: string, { folder, uidValidity, uid, part }: MessagePlace): string {
    // No folder name contains a NUL.
    const path = part === undefined ? folder : `${folder}\0${part}`
    const body = Buffer.concat([numbers(uidValidity, uid), Buffer.from(path, 'utf8')])
    return this.#seal(body, signedMessage(accountId, body))
  }

  /** Returns an encoder for many messages of one folder. */
  encodeIn(accountId: string, folder: string, uidValidity: number): (uid: number) => string {
    const body = Buffer.concat([numbers(uidValidity, 0), Buffer.from(folder, 'utf8')])
    const signed = signedMessage(accountId, body)
    const uidAt = signed.length - body.length + uidBytes
    const sealed = Buffer.concat([body, Buffer.alloc(signatureBytes)])
    return uid => {
      signed.writeUInt32BE(uid >>> 0, uidAt)
      sealed.writeUInt32BE(uid >>> 0, uidBytes)
      this.#signer.sign(signed).copy(sealed, body.length)
      return sealed.toString('base64url')
    }
  }

  /** Decodes a reference; throws `message_not_found` for any that was not issued for this account. */
  decode(accountId: string, ref: string): MessagePlace {
    const body = this.#open(ref, read => signedMessage(accountId, read))
    if (!body) throw new Problem('message_not_found', 'There is no such message in this account.')
    const [folder = '', part] = body.toString('utf8', numbersBytes).split('\0')
    const place = { folder, uidValidity: body.readUInt32BE(0), uid: body.readUInt32BE(4) }
    return part === undefined ? place : { ...place, part }
  }

  /**
   * Encodes UIDVALIDITY, UID and signature; account and list are only signed.
   * @param list A folder's path.
   */
  encodeCursor(accountId: string, list: string, { uidValidity, beforeUid }: ListPlace): string {
    const body = numbers(uidValidity, beforeUid)
    return this.#seal(body, signedCursor(accountId, list, body))
  }

  /** Decodes a cursor; throws `bad_request` for any that was not issued for this account and list. */
  decodeCursor(accountId: string, list: string, cursor: string): ListPlace {
    const body = this.#open(cursor, read => signedCursor(accountId, list, read))
    if (body?.length !== numbersBytes) throw badInput('query.cursor', 'is not a cursor of this list')
    return { uidValidity: body.readUInt32BE(0), beforeUid: body.readUInt32BE(4) }
  }

  /** Encodes the end of a page of search results, in the search's own format; the search itself is only signed. */
  encodeEnd(search: string, end: string): string {
    const body = Buffer.from(end, 'utf8')
    return this.#seal(body, signedEnd(search, body))
  }

  /** Decodes the end of a page; undefined for any that was not issued for this search. */
  decodeEnd(search: string, cursor: string): string | undefined {
    return this.#open(cursor, body => signedEnd(search, body))?.toString('utf8')
  }

  /** False for a path too long for a reference; no server allows such paths. */
  canName(folder: string): boolean {
    return Buffer.byteLength(folder) <= maxFolderBytes
  }

  /** True when an attached message with this part number can be referenced. */
  canNamePart(part: string): boolean {
    return part.length <= maxPartLength && /^\d+(\.\d+)*$/.test(part)
  }

  #seal(body: Buffer, signed: Buffer): string {
    return Buffer.concat([body, this.#signer.sign(signed)]).toString('base64url')
  }

  #open(text: string, signed: (body: Buffer) => Buffer): Buffer | undefined {
    const bytes = Buffer.from(text, 'base64url')
    const body = bytes.subarray(0, Math.max(0, bytes.length - signatureBytes))
    // Only the canonical encoding is accepted, so that equal messages have equal references.
    if (body.length < numbersBytes || bytes.toString('base64url') !== text) return undefined
    return this.#signer.isValid(signed(body), bytes.subarray(body.length)) ? body : undefined
  }
}

function numbers(first: number, second: number): Buffer {
  const bytes = Buffer.alloc(numbersBytes)
  bytes.writeUInt32BE(first >>> 0, 0)
  bytes.writeUInt32BE(second >>> 0, 4)
  return bytes
}

/** Account ids contain no NUL, so no two pairs yield the same bytes. */
function signedMessage(accountId: string, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`message\0${accountId}\0`), body])
}

function signedCursor(accountId: string, list: string, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`cursor\0${accountId}\0`), body, Buffer.from(list, 'utf8')])
}

function signedEnd(search: string, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from('search\0'), body, Buffer.from(`\0${search}`, 'utf8')])
}

/** @throws Problem `stale_cursor` when the folder was recreated after the cursor was issued. */
export function checkCursor(place: ListPlace | undefined, uidValidity: number): void {
  if (place === undefined || place.uidValidity === uidValidity) return
  throw new Problem('stale_cursor', 'The folder was recreated on the mail server; list it from the beginning.')
}

/** @throws Problem `stale_ref` when the folder was recreated after the reference was issued. */
export function checkValidity(place: MessagePlace, uidValidity: number): void {
  if (uidValidity === place.uidValidity) return
  throw new Problem('stale_ref', 'The folder was recreated on the mail server; list it again for new references.')
}

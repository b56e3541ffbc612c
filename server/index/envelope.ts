/**
 * The fields of a message that lists show besides subject and senders, stored in compressed blocks like its text:
 * recipients and Message-IDs of messages that arrived together repeat. In rows of their own they took three times the
 * space.
 */
import type { Address } from '../../contract/mail.ts'
import { type BlockKind, BlockReader } from './block-reader.ts'
import type { IndexOwner } from './change-log.ts'
import type { MessageRecord } from './index-types.ts'
import { appendTexts, removeFromBlocks } from './text-blocks.ts'

export type Envelope = Pick<
  MessageRecord,
  'messageId' | 'inReplyTo' | 'to' | 'cc' | 'bcc' | 'fromCount' | 'toCount' | 'attachmentNames' | 'faults'
>

/** Smaller blocks than for texts, since an envelope is short and read more often: about 40 µs per block. */
const envelopeBlocks: BlockKind = {
  table: 'envelope_blocks',
  maxBytes: { sqlite: 16 * 1024, postgres: 16 * 1024 },
  level: 3,
}

/** Removes NUL characters, which PostgreSQL does not store. */
export function storable(text: string): string {
  return text.replaceAll('\0', '')
}

/** Appends envelopes to blocks, and returns their places in the same order. */
export async function appendEnvelopes(owner: IndexOwner, envelopes: readonly Envelope[]): Promise<number[]> {
  const texts = envelopes.map(({ messageId, inReplyTo, to, cc, bcc, fromCount, toCount, attachmentNames, faults }) => {
    const people = [to, cc, bcc].map(flat)
    const ids = [messageId, inReplyTo].map(id => id && storable(id))
    return JSON.stringify([...ids, ...people, fromCount, toCount, attachmentNames, faults])
  })
  return appendTexts(owner, texts, envelopeBlocks)
}

export async function removeEnvelopes(owner: IndexOwner, places: readonly number[]): Promise<void> {
  await removeFromBlocks(owner, places, envelopeBlocks)
}

export async function readEnvelopes(
  owner: IndexOwner,
  places: readonly number[],
): Promise<(place: number) => Envelope> {
  return envelopesFrom(envelopeReader(owner), places)
}

/** Returns a reader of envelopes for an answer that reads texts too, see `loadWith`. */
export function envelopeReader(owner: IndexOwner): BlockReader {
  return new BlockReader(owner, envelopeBlocks)
}

export async function envelopesFrom(
  reader: BlockReader,
  places: readonly number[],
): Promise<(place: number) => Envelope> {
  const texts = await reader.read(places)
  return place => toEnvelope(texts.get(place) ?? '')
}

/** Reads Message-IDs only: an envelope begins with it, and the rest is not parsed. */
export async function readMessageIds(
  owner: IndexOwner,
  places: readonly number[],
): Promise<(place: number) => string | null> {
  const texts = await new BlockReader(owner, envelopeBlocks).read(places)
  return place => JSON.parse(/^\[(null|"(?:[^"\\]|\\.)*")/.exec(texts.get(place) ?? '')?.[1] ?? 'null')
}

function toEnvelope(text: string): Envelope {
  const [messageId, inReplyTo, to, cc, bcc, fromCount, toCount, attachmentNames, faults] = JSON.parse(text)
  const [first, second, third] = [to, cc, bcc].map(toAddresses)
  return { messageId, inReplyTo, to: first!, cc: second!, bcc: third!, fromCount, toCount, attachmentNames, faults }
}

/** Serializes names and addresses alternately as a flat JSON array: field names would be half of a short list. */
export function addressesJson(addresses: readonly Address[]): string {
  return JSON.stringify(flat(addresses))
}

export function addressesOf(json: string): Address[] {
  return toAddresses(JSON.parse(json))
}

function flat(addresses: readonly Address[]): (string | null)[] {
  return addresses.flatMap(({ name, email }) => [name, email])
}

function toAddresses(flat: (string | null)[]): Address[] {
  return Array.from({ length: flat.length / 2 }, (_, index) => ({
    name: flat[2 * index]!,
    email: flat[2 * index + 1]!,
  }))
}

/** One message, or one that is attached to it, as ImapFlow reads it from an open folder. */
import type { FetchMessageObject, ImapFlow } from 'imapflow'
import { readBody } from '../body-content.ts'
import { readStructure } from '../body-structure.ts'
import type { PartToRead } from '../gateway-capabilities.ts'
import type { MessageContent } from '../mail-gateway.ts'
import { toContent, toUnreadable } from './imapflow-message.ts'
import { fetchParts } from './imapflow-parts.ts'
import { contentQuery, fetchRows } from './imapflow-rows.ts'
import { findPart, type ImapPart, toParts } from './imapflow-structure.ts'

interface ContentToRead {
  uid: number
  /** Of each text. */
  maxBytes: number
  /** The part that is a message of its own; undefined for the message itself. */
  attached: string | undefined
}

/**
 * Undefined when there is no such message, or no message in that part of it.
 * @param onRowDropped Hears of each row of a message that was not asked for.
 */
export async function getContent(
  client: ImapFlow,
  { uid, maxBytes, attached }: ContentToRead,
  onRowDropped?: () => void,
): Promise<MessageContent | undefined> {
  const [found] = await fetchRows(client, { by: 'uid', numbers: [uid] }, contentQuery, onRowDropped)
  if (!found) return undefined
  const { row, header } = found
  if (!row) return toUnreadable({ uid, internalDate: header.date, size: header.sizeBytes })
  const root = toParts(row.bodyStructure)
  if (attached === undefined) return contentOf(client, row, root, maxBytes)
  const part = findPart(root, attached)
  return part?.message && contentOf(client, attachedRow(row, part), part.message, maxBytes)
}

/** What is known of a part before it is read. */
export async function describePart(client: ImapFlow, uid: number, partId: string): Promise<PartToRead | undefined> {
  const row = await client.fetchOne(String(uid), { uid: true, bodyStructure: true }, { uid: true })
  const part = row && row.uid === uid ? findPart(toParts(row.bodyStructure), partId) : undefined
  if (!part) return undefined
  const { name, type, encoding, sizeBytes, section } = part
  return { name, type, encoding, sizeBytes, section }
}

async function contentOf(
  client: ImapFlow,
  row: FetchMessageObject,
  root: ImapPart | undefined,
  maxBytes: number,
): Promise<MessageContent> {
  const structure = readStructure(root)
  const body = await readBody(structure, maxBytes, wanted => fetchParts(client, row.uid, wanted))
  return toContent(row, body, structure)
}

/** Whoever attached it may have made it up: nothing of what the mail server found of the message that carries it holds for it. */
function attachedRow({ uid, seq, flags, internalDate }: FetchMessageObject, { node, sizeBytes, message }: ImapPart) {
  return {
    uid,
    seq,
    size: sizeBytes,
    ...(flags && { flags }),
    ...(internalDate && { internalDate }),
    ...(node.envelope && { envelope: node.envelope }),
    ...(message && { bodyStructure: message.node }),
  }
}

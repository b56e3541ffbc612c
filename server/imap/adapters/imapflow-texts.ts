/**
 * Fetches the text parts of many messages: all structures in one command, then the parts, grouped by their part
 * numbers.
 */
import type { ImapFlow, MessageStructureObject } from 'imapflow'
import { isMedia, type PartNode } from '../body-structure.ts'
import type { FetchedTexts, MessageTexts } from '../gateway-capabilities.ts'
import { rangesOfUids, writeUidSet } from '../uid-ranges.ts'
import { fetchLean } from './imapflow-lean-rows.ts'
import { structureOf } from './imapflow-message.ts'

/** Bytes of one buffer that texts are copied into. */
const pieceBytes = 256 * 1024
/** Text parts fetched per message. */
const mostParts = 4

export async function fetchTexts(client: ImapFlow, uids: readonly number[], maxBytes: number): Promise<FetchedTexts> {
  const wanted = new Set(uids)
  const memory = new TextMemory()
  if (wanted.size === 0) return { texts: [], memory: [] }
  const parts = new Map<number, PartNode[]>()
  await fetchLean(client, {
    range: setOf(uids),
    by: 'uid',
    query: { uid: true, bodyStructure: true },
    isAnswer: ({ bodyStructure }) => bodyStructure !== undefined,
    take({ uid, bodyStructure }) {
      if (wanted.has(uid) && (bodyStructure || !parts.has(uid))) parts.set(uid, textsOf(bodyStructure))
    },
  })
  const texts = new Map([...parts.keys()].map(uid => [uid, { uid, parts: [] } as MessageTexts]))
  for (const [, group] of Map.groupBy(parts, ([, nodes]) => nodes.map(({ section }) => section).join())) {
    const sections = group[0]![1].map(({ section }) => section)
    if (sections.length === 0) continue
    await fetchLean(client, {
      range: setOf(group.map(([uid]) => uid)),
      by: 'uid',
      query: { uid: true, bodyParts: sections.map(key => ({ key, start: 0, maxLength: maxBytes })) },
      isAnswer: ({ bodyParts }) => bodyParts !== undefined,
      take({ uid, bodyParts }) {
        const nodes = bodyParts && wanted.delete(uid) ? parts.get(uid) : undefined
        for (const node of nodes ?? []) {
          const bytes = bodyParts?.get(node.section.toLowerCase())
          if (bytes) texts.get(uid)?.parts.push({ ...described(node), bytes: memory.copy(bytes.subarray(0, maxBytes)) })
        }
      },
    })
  }
  return { texts: [...texts.values()], memory: memory.pieces }
}

const setOf = (uids: readonly number[]) => writeUidSet(rangesOfUids(uids))

/** Plain text where there is any, else HTML, in message order. */
function textsOf(bodyStructure: MessageStructureObject | undefined): PartNode[] {
  const { textBody } = structureOf(bodyStructure ? { bodyStructure } : {})
  return textBody.filter(part => !isMedia(part)).slice(0, mostParts)
}

function described({ type, parameters, encoding }: PartNode): Omit<MessageTexts['parts'][number], 'bytes'> {
  return {
    type,
    charset: parameters.charset ?? null,
    isFlowed: parameters.format?.toLowerCase() === 'flowed',
    deletesSpace: parameters.delsp?.toLowerCase() === 'yes',
    encoding,
  }
}

/**
 * Memory for the texts of one fetch. Kept as they arrive, each would live until the old generation is collected; these
 * pieces move to the thread that indexes them.
 */
class TextMemory {
  readonly pieces: ArrayBuffer[] = []
  #used = 0

  copy(bytes: Buffer): Buffer {
    let piece = this.pieces.at(-1)
    if (piece === undefined || piece.byteLength - this.#used < bytes.length) {
      piece = new ArrayBuffer(Math.max(pieceBytes, bytes.length))
      this.pieces.push(piece)
      this.#used = 0
    }
    const copied = Buffer.from(piece, this.#used, bytes.length)
    copied.set(bytes)
    this.#used += bytes.length
    return copied
  }
}

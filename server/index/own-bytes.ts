/** Texts that go to another thread: their bytes in few pieces of memory, since to hand over a piece for each costs more than to copy them. */
import type { FolderBatch, TextPart, TextRecord } from './index-types.ts'

interface OwnedTexts {
  texts: readonly TextRecord[]
  /** Empty here once it was sent. */
  memory: ArrayBuffer[]
}

/** Where the batch says in which memory they lie, that is handed over; else they are copied, and what was given stays as it is. */
export function ownBytes({ texts = [], memory = [] }: Pick<FolderBatch, 'texts' | 'memory'>): OwnedTexts {
  if (texts.length === 0) return { texts, memory: [] }
  const isIn = new Set<ArrayBufferLike>(memory)
  const isThere = texts.every(({ parts }) => parts.every(({ bytes }) => isIn.has(bytes.buffer)))
  return isThere ? { texts, memory } : copied(texts)
}

function copied(texts: readonly TextRecord[]): OwnedTexts {
  const size = texts.reduce((sum, { parts }) => sum + parts.reduce((all, { bytes }) => all + bytes.length, 0), 0)
  const memory = new Uint8Array(size)
  let at = 0
  const own = (part: TextPart): TextPart => {
    const bytes = memory.subarray(at, at + part.bytes.length)
    bytes.set(part.bytes)
    at += bytes.length
    return { ...part, bytes }
  }
  return { texts: texts.map(({ uid, parts }) => ({ uid, parts: parts.map(own) })), memory: [memory.buffer] }
}

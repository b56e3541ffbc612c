/**
 * Collects texts for another thread in few buffers, since transferring one buffer per part costs more than copying.
 */
import type { FolderBatch, TextPart, TextRecord } from './index-types.ts'

interface OwnedTexts {
  texts: readonly TextRecord[]
  /** Buffers to transfer; detached once sent. */
  memory: ArrayBuffer[]
}

/** Returns the texts with the buffers to transfer: the batch's own `memory`, else copies, with the originals intact. */
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

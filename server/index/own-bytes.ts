/** Texts that go to another thread: their bytes in one piece of memory, since to hand over a piece for each costs more than to copy them. */
import type { Transferable } from 'node:worker_threads'
import type { TextPart, TextRecord } from './index-types.ts'

/** What is in `buffers` is empty here once it was sent; what was given stays as it is. */
export function ownBytes(texts: readonly TextRecord[]): { texts: TextRecord[]; buffers: Transferable[] } {
  const size = texts.reduce((sum, { parts }) => sum + parts.reduce((all, { bytes }) => all + bytes.length, 0), 0)
  const memory = new Uint8Array(size)
  let at = 0
  const own = (part: TextPart): TextPart => {
    const bytes = memory.subarray(at, at + part.bytes.length)
    bytes.set(part.bytes)
    at += bytes.length
    return { ...part, bytes }
  }
  return { texts: texts.map(({ uid, parts }) => ({ uid, parts: parts.map(own) })), buffers: [memory.buffer] }
}

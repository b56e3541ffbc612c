/**
 * Copies texts for another thread into a single buffer, since transferring one buffer per part costs more than copying.
 */
import type { Transferable } from 'node:worker_threads'
import type { TextPart, TextRecord } from './index-types.ts'

/**
 * Returns copies of the texts and the `buffers` to transfer, which are detached once sent; the originals stay intact.
 */
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

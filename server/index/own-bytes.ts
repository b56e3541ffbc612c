/** Texts that go to another thread: handed over where their bytes have memory of their own, else copied, and no more than they are. */
import { isMarkedAsUntransferable, type Transferable } from 'node:worker_threads'
import type { TextRecord } from './index-types.ts'

/** What is in `buffers` is empty here once it was sent. */
export function ownBytes(texts: readonly TextRecord[]): { texts: TextRecord[]; buffers: Transferable[] } {
  const buffers = new Set<ArrayBuffer>()
  const own = (bytes: Uint8Array): Uint8Array => {
    const { buffer } = bytes
    // A slice of a larger piece, such as Node's pool, would take all of it along.
    const isWhole = buffer instanceof ArrayBuffer && buffer.byteLength === bytes.byteLength && !buffers.has(buffer)
    const given = isWhole && !isMarkedAsUntransferable(buffer) ? bytes : new Uint8Array(bytes)
    buffers.add(given.buffer as ArrayBuffer)
    return given
  }
  const owned = texts.map(({ uid, parts }) => ({
    uid,
    parts: parts.map(part => ({ ...part, bytes: own(part.bytes) })),
  }))
  return { texts: owned, buffers: [...buffers] }
}

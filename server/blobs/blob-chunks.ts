/** Splits a stream into the chunks in which blobs are stored. */

const chunkBytes = 256 * 1024

/** Yields chunks of equal length, except the last. */
export async function* chunksOf(source: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer, undefined> {
  let waiting: Uint8Array[] = []
  let length = 0
  for await (const piece of source) {
    for (let at = 0; at < piece.length; ) {
      const part = piece.subarray(at, at + chunkBytes - length)
      at += part.length
      length += part.length
      waiting.push(part)
      if (length < chunkBytes) continue
      yield Buffer.concat(waiting, length)
      waiting = []
      length = 0
    }
  }
  if (length > 0) yield Buffer.concat(waiting, length)
}

/** Streams files into a zip, buffering a single piece of one file. */
import { makeZip } from 'client-zip'

export interface FileToZip {
  /** A unique file name without folders. */
  name: string
  lastModified: Date
  input: AsyncIterable<Uint8Array> | string
}

/** The format stores years from 1980 in seven bits. */
const [firstYear, lastYear] = [1980, 2107]

/** Fails when a file fails: the zip is then invalid, so that nobody mistakes it for complete. */
export async function* zipOf(files: AsyncIterable<FileToZip>): AsyncGenerator<Buffer, undefined> {
  const reader = makeZip(dated(files)).getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return undefined
      yield Buffer.from(value.buffer, value.byteOffset, value.byteLength)
    }
  } finally {
    // Rejects with the error that it was ended with.
    await reader.cancel().catch(() => undefined)
  }
}

async function* dated(files: AsyncIterable<FileToZip>): AsyncGenerator<FileToZip> {
  for await (const file of files) yield { ...file, lastModified: inRange(file.lastModified) }
}

function inRange(date: Date): Date {
  const year = date.getFullYear()
  return year >= firstYear && year <= lastYear ? date : new Date(firstYear, 0, 1)
}

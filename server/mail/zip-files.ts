/** Writes files into a zip as they come: in memory is one piece of one file, whatever they hold. */
import { makeZip } from 'client-zip'

export interface FileToZip {
  /** Of one file in one folder, and unlike the others. */
  name: string
  lastModified: Date
  input: AsyncIterable<Uint8Array> | string
}

/** The format counts years from 1980 on, in seven bits. */
const [firstYear, lastYear] = [1980, 2107]

/** Ends with the error of a file that could not be read to its end: the zip is then no zip, so that nobody takes it for all of them. */
export async function* zipOf(files: AsyncIterable<FileToZip>): AsyncGenerator<Buffer, undefined> {
  const reader = makeZip(dated(files)).getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return undefined
      yield Buffer.from(value.buffer, value.byteOffset, value.byteLength)
    }
  } finally {
    // It answers with what it was ended with.
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

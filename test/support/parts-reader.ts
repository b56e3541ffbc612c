/** Reads message parts in the test's thread, for tests whose subject is not the worker. */
import { readCalendar } from '../../server/reading/calendar.ts'
import { decodeBody, type EncodedBody } from '../../server/reading/decode-body.ts'
import { PartsReader } from '../../server/reading/parts-reader.ts'
import { readParts } from '../../server/reading/read-parts.ts'
import type { MessageParts } from '../../server/reading/read-text.ts'
import { readRtf } from '../../server/reading/rtf-text.ts'

/** @param onJob Called with each job that would go to the worker. */
export function partsReader(onJob: (parts: MessageParts) => unknown = () => undefined): PartsReader {
  const run = async (job: string, input: MessageParts & EncodedBody & { source: string; compressed: Uint8Array }) => {
    if (job === 'readCalendar') return readCalendar(input)
    if (job === 'decodeBody') return decodeBody(input)
    if (job === 'readRtf') return readRtf(input)
    await onJob(input)
    return readParts(input)
  }
  return new PartsReader({ run: run as never })
}

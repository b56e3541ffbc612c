/** Reads parts of messages in the thread of the test, for tests that are about something else than the worker. */
import { PartsReader } from '../../server/reading/parts-reader.ts'
import { readParts } from '../../server/reading/read-parts.ts'
import type { MessageParts } from '../../server/reading/read-text.ts'

/** @param onJob Called for each job that would go to the worker. */
export function partsReader(onJob: (parts: MessageParts) => unknown = () => undefined): PartsReader {
  const run = async (_job: string, input: MessageParts) => {
    await onJob(input)
    return readParts(input)
  }
  return new PartsReader({ run: run as never })
}

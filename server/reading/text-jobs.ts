/** Inputs and outputs of the jobs on strangers' texts that `TextWorker` runs on its threads. */
import type { CalendarData } from './calendar.ts'
import type { CleanHtml } from './clean-html.ts'
import type { DecodedBody, EncodedBody } from './decode-body.ts'
import type { BodyToWrite, WrittenBody } from './outgoing-body.ts'
import type { MessageParts, ReadParts } from './read-text.ts'
import type { RtfText } from './rtf-text.ts'

export interface TextJobs {
  cleanHtml: { input: { source: string; remote: boolean }; output: CleanHtml }
  readParts: { input: MessageParts; output: ReadParts }
  decodeBody: { input: EncodedBody; output: DecodedBody }
  readRtf: { input: { compressed: Uint8Array }; output: RtfText | null }
  unseenWords: { input: { html: string; text?: string }; output: { words: string } }
  writeBody: { input: BodyToWrite; output: WrittenBody }
  readCalendar: { input: { source: string }; output: CalendarData | null }
}

export type TextJob = keyof TextJobs

/** A request to the thread. Jobs run one at a time, so responses need no id. */
export interface JobMessage {
  job: TextJob
  input: unknown
}

/** A response: `begun` once the job's modules are loaded, then its outcome. A failed job does not end the thread. */
export type JobAnswer = 'begun' | { output: unknown } | { failure: string }

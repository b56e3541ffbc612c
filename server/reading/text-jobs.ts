/** The work on strangers' texts that a `TextWorker` does on a thread of its own: what each job is given, and what it answers. */
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
  unseenWords: { input: { html: string }; output: { words: string } }
  writeBody: { input: BodyToWrite; output: WrittenBody }
  readCalendar: { input: { source: string }; output: CalendarData | null }
}

export type TextJob = keyof TextJobs

/** What goes to the thread. One job at a time, so an answer needs no number. */
export interface JobMessage {
  job: TextJob
  input: unknown
}

/** What comes back: first that what the job needs is loaded, and then its outcome. A job that throws says why; the thread goes on. */
export type JobAnswer = 'begun' | { output: unknown } | { failure: string }

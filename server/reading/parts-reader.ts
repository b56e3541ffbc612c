/** Decodes, reads and compares the parts of messages on the text threads. */
import type { CalendarData } from './calendar.ts'
import type { DecodedBody, EncodedBody } from './decode-body.ts'
import { JobCache, type NoOutcome, type Requester } from './job-cache.ts'
import { type MessageParts, type ReadParts, readText } from './read-text.ts'
import type { RtfText } from './rtf-text.ts'
import type { TextWorker } from './text-worker.ts'

/**
 * Characters of a text that may be read on the main thread: the worst take 10 ms. HTML never is: 16 KiB may take 8 ms,
 * and the round trip to a running thread takes 0.4 ms (some 100 ms if it has to start).
 */
export const maxAtOnce = 64 * 1024

export class PartsReader {
  readonly #cache: JobCache<'readParts'>
  readonly #calendars: JobCache<'readCalendar'>
  readonly #bodies: JobCache<'decodeBody'>
  readonly #rtf: JobCache<'readRtf'>

  constructor(worker: Pick<TextWorker, 'run'>) {
    this.#cache = new JobCache(worker, {
      job: 'readParts',
      contentOf: ({ text, html, textBody, htmlBody }) => [
        text ?? '',
        html ?? '',
        JSON.stringify([textBody ?? [], htmlBody ?? []]),
      ],
    })
    this.#bodies = new JobCache(worker, {
      job: 'decodeBody',
      contentOf: ({ texts, calendars, contentIds, ...bodies }) => {
        const said = [...texts, ...calendars].map(({ bytes: _bytes, ...what }) => what)
        return [JSON.stringify([said, [...contentIds], bodies]), ...[...texts, ...calendars].map(({ bytes }) => bytes)]
      },
    })
    this.#rtf = new JobCache(worker, { job: 'readRtf', contentOf: ({ compressed }) => [compressed] })
    this.#calendars = new JobCache(worker, {
      job: 'readCalendar',
      contentOf: ({ source }) => [source],
    })
  }

  /** @throws Problem draining */
  async read({ text, html, textBody, htmlBody }: MessageParts, requester: Requester): Promise<ReadParts | NoOutcome> {
    if (html === null && (text === null || text.length <= maxAtOnce)) return readText(text)
    return this.#cache.run({ text, html, ...(textBody && { textBody }), ...(htmlBody && { htmlBody }) }, requester)
  }

  /**
   * Decodes the bodies of a message that are too slow for the main thread.
   * @throws Problem draining
   */
  decode(body: EncodedBody, requester: Requester): Promise<DecodedBody | NoOutcome> {
    return this.#bodies.run(body, requester)
  }

  /**
   * Parses an invitation; null when it is none.
   * @throws Problem draining
   */
  readCalendar(source: string, requester: Requester): Promise<CalendarData | null | NoOutcome> {
    return this.#calendars.run({ source }, requester)
  }

  /**
   * Converts compressed RTF (MS-OXRTFCP); null when it is none.
   * @throws Problem draining
   */
  readRtf(compressed: Uint8Array, requester: Requester): Promise<RtfText | null | NoOutcome> {
    return this.#rtf.run({ compressed }, requester)
  }
}

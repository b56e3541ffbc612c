/** Decodes the parts of messages, reads them for models and compares them, on the text worker. */
import type { CalendarData } from './calendar.ts'
import type { DecodedBody, EncodedBody } from './decode-body.ts'
import { type Asker, JobCache, type NoOutcome } from './job-cache.ts'
import { type MessageParts, type ReadParts, readText } from './read-text.ts'
import type { RtfText } from './rtf-text.ts'
import type { TextWorker } from './text-worker.ts'

/**
 * Characters of a text that may be read at once, on the thread of the server: measured, the worst take 10 ms. HTML never is,
 * however short: 16 KiB of it may take 8 ms, and the way to a thread that runs takes 0.4 ms (to one that has to start, some 100 ms).
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
  async read({ text, html, textBody, htmlBody }: MessageParts, asker: Asker): Promise<ReadParts | NoOutcome> {
    if (html === null && (text === null || text.length <= maxAtOnce)) return readText(text)
    return this.#cache.run({ text, html, ...(textBody && { textBody }), ...(htmlBody && { htmlBody }) }, asker)
  }

  /**
   * The bodies of a message that are not quick to decode.
   * @throws Problem draining
   */
  decode(body: EncodedBody, asker: Asker): Promise<DecodedBody | NoOutcome> {
    return this.#bodies.run(body, asker)
  }

  /**
   * What an invitation says; null for what is none.
   * @throws Problem draining
   */
  readCalendar(source: string, asker: Asker): Promise<CalendarData | null | NoOutcome> {
    return this.#calendars.run({ source }, asker)
  }

  /**
   * What compressed RTF says (MS-OXRTFCP); null for what is none.
   * @throws Problem draining
   */
  readRtf(compressed: Uint8Array, asker: Asker): Promise<RtfText | null | NoOutcome> {
    return this.#rtf.run({ compressed }, asker)
  }
}

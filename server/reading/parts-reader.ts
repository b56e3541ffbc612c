/** Reads the parts of messages for models, and compares them, on the text worker: each message once, however many pages of it are asked for. */
import type { CalendarData } from './calendar.ts'
import { type Asker, JobCache, type NoOutcome } from './job-cache.ts'
import { type MessageParts, type ReadParts, readText } from './read-text.ts'
import type { TextWorker } from './text-worker.ts'

/**
 * Characters of a text that may be read at once, on the thread of the server: measured, the worst take 10 ms. HTML never is,
 * however short: 16 KiB of it may take 8 ms, and the way to a thread that runs takes 0.4 ms (to one that has to start, some 100 ms).
 */
export const maxAtOnce = 64 * 1024

export class PartsReader {
  readonly #cache: JobCache<'readParts'>
  readonly #calendars: JobCache<'readCalendar'>

  constructor(worker: Pick<TextWorker, 'run'>) {
    this.#cache = new JobCache(worker, {
      job: 'readParts',
      contentOf: ({ text, html, textBody, htmlBody }) => [
        text ?? '',
        html ?? '',
        JSON.stringify([textBody ?? [], htmlBody ?? []]),
      ],
      lengthOf: ({ plain, shown, fresh, told }) =>
        plain.length + (shown?.length ?? 0) + fresh.length + (told?.text.length ?? 0),
    })
    this.#calendars = new JobCache(worker, {
      job: 'readCalendar',
      contentOf: ({ source }) => [source],
      lengthOf: data => JSON.stringify(data).length,
    })
  }

  /** @throws Problem draining */
  async read({ text, html, textBody, htmlBody }: MessageParts, asker: Asker): Promise<ReadParts | NoOutcome> {
    if (html === null && (text === null || text.length <= maxAtOnce)) return readText(text)
    return this.#cache.run({ text, html, ...(textBody && { textBody }), ...(htmlBody && { htmlBody }) }, asker)
  }

  /**
   * What an invitation says; null for what is none.
   * @throws Problem draining
   */
  readCalendar(source: string, asker: Asker): Promise<CalendarData | null | NoOutcome> {
    return this.#calendars.run({ source }, asker)
  }
}

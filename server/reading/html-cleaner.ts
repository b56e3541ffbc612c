/** Cleans the HTML of messages on the text worker, and keeps the newest outcomes: a message that is opened again costs nothing. */
import type { CleanHtml } from './clean-html.ts'
import { type Asker, JobCache, type NoOutcome } from './job-cache.ts'
import type { TextWorker } from './text-worker.ts'

export class HtmlCleaner {
  readonly #cache: JobCache<'cleanHtml'>

  constructor(worker: Pick<TextWorker, 'run'>) {
    this.#cache = new JobCache(worker, {
      job: 'cleanHtml',
      contentOf: ({ source, remote }) => [`${remote}`, source],
      lengthOf,
    })
  }

  /** @throws Problem draining */
  clean(source: string, remote: boolean, asker: Asker): Promise<CleanHtml | NoOutcome> {
    return this.#cache.run({ source, remote }, asker)
  }
}

function lengthOf({ style, bodyAttributes, body }: CleanHtml): number {
  let length = 0
  for (const piece of [...style, ...bodyAttributes, ...body]) {
    length += typeof piece === 'string' ? piece.length : piece.contentId.length
  }
  return length
}

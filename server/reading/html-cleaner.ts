/** Cleans the HTML of messages in the text pool. */
import type { CleanHtml } from './clean-html.ts'
import { type Asker, JobCache, type NoOutcome } from './job-cache.ts'
import type { TextWorker } from './text-worker.ts'

export class HtmlCleaner {
  readonly #cache: JobCache<'cleanHtml'>

  constructor(worker: Pick<TextWorker, 'run'>) {
    this.#cache = new JobCache(worker, {
      job: 'cleanHtml',
      contentOf: ({ source, remote }) => [`${remote}`, source],
    })
  }

  /** @throws Problem draining */
  clean(source: string, remote: boolean, asker: Asker): Promise<CleanHtml | NoOutcome> {
    return this.#cache.run({ source, remote }, asker)
  }
}

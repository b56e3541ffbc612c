/** Sanitises the HTML of messages on the text threads, and finds the words in it that are invisible. */
import type { CleanHtml } from './clean-html.ts'
import { JobCache, type NoOutcome, type Requester } from './job-cache.ts'
import type { TextWorker } from './text-worker.ts'

export class HtmlCleaner {
  readonly #cache: JobCache<'cleanHtml'>
  readonly #unseen: JobCache<'unseenWords'>

  constructor(worker: Pick<TextWorker, 'run'>) {
    this.#cache = new JobCache(worker, {
      job: 'cleanHtml',
      contentOf: ({ source, remote }) => [`${remote}`, source],
    })
    this.#unseen = new JobCache(worker, { job: 'unseenWords', contentOf: ({ html, text }) => [html, text ?? ''] })
  }

  /** @throws Problem draining */
  clean(source: string, remote: boolean, requester: Requester): Promise<CleanHtml | NoOutcome> {
    return this.#cache.run({ source, remote }, requester)
  }

  /** Finds invisible words in our own HTML and its text; undefined when that failed. @throws Problem draining */
  async unseenWords(html: string, text: string | null, requester: Requester): Promise<string | undefined> {
    const found = await this.#unseen.run({ html, text: text ?? '' }, requester)
    return typeof found === 'string' ? undefined : found.words
  }
}

/** Renders the bodies of outgoing messages on the text threads. */
import { type Asker, JobCache, type NoOutcome } from './job-cache.ts'
import type { BodyToWrite, WrittenBody } from './outgoing-body.ts'
import type { TextWorker } from './text-worker.ts'

export class OutgoingBodies {
  readonly #cache: JobCache<'writeBody'>

  constructor(worker: Pick<TextWorker, 'run'>) {
    this.#cache = new JobCache(worker, {
      job: 'writeBody',
      contentOf: ({ format, content }) => [format, content],
    })
  }

  /** @throws Problem draining */
  write(body: BodyToWrite, asker: Asker): Promise<WrittenBody | NoOutcome> {
    return this.#cache.run(body, asker)
  }
}

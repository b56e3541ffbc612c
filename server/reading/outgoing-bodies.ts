/** Renders the bodies of outgoing messages on the text threads. */
import { JobCache, type NoOutcome, type Requester } from './job-cache.ts'
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
  write(body: BodyToWrite, requester: Requester): Promise<WrittenBody | NoOutcome> {
    return this.#cache.run(body, requester)
  }
}

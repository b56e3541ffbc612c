/** Prunes unused blobs periodically. */
import type { Logger } from '../platform/logger.ts'
import { Rounds } from '../platform/rounds.ts'
import type { Blobs } from './blobs.ts'

export interface BlobPrunerOptions {
  blobs: Pick<Blobs, 'prune'>
  /** Returns true if this process may prune. */
  mayPrune(): boolean
  logger: Logger
}

const everyMs = 10 * 60_000

export function blobPruner({ blobs, mayPrune, logger }: BlobPrunerOptions): Rounds {
  return new Rounds({
    everyMs,
    work: async signal => {
      if (mayPrune()) await blobs.prune(signal)
    },
    failed: err => logger.warn({ err }, 'blobs that nothing uses could not be removed'),
  })
}

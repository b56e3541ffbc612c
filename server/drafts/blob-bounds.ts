/** How much the drafts of an account may hold. */
import type { BlobTooLarge } from '../blobs/blobs.ts'
import { Problem } from '../platform/problem.ts'

/** Of all drafts of an account, with what was composed of them. */
export const accountBytes = 2 * 1024 * 1024 * 1024

export function tooLarge({ bound }: BlobTooLarge): Problem {
  if (bound === 'bytes') return new Problem('too_large', 'The message with its attachments is larger than 30 MiB.')
  const detail = 'The drafts of this account hold 2 GiB, the most there may be; send or discard some.'
  return new Problem('too_many_drafts', detail)
}

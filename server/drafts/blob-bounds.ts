/** Bounds for the content of an account's drafts. */
import type { BlobTooLarge } from '../blobs/blobs.ts'
import { Problem } from '../platform/problem.ts'

/** Bytes of all drafts of an account with their composed messages. */
export const accountBytes = 2 * 1024 * 1024 * 1024

export function tooLarge({ bound }: BlobTooLarge): Problem {
  if (bound === 'bytes') return new Problem('too_large', 'The message with its attachments is larger than 30 MiB.')
  const detail = 'The drafts of this account have reached their limit of 2 GiB; send or discard some.'
  return new Problem('too_many_drafts', detail)
}

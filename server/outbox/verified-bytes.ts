/** Hashes the bytes of a submission as they pass, so that a message other than the approved one is never completed. */
import { createHash } from 'node:crypto'
import { type MessageBytes, NotSent } from './mail-sender.ts'

/**
 * @param checkLeaves Called before the first byte and after the last one; until then nothing is delivered. @throws
 * NotSent instead of ending if the hash differs, and whatever `checkLeaves` throws.
 */
export async function* verifiedBytes(
  bytes: MessageBytes,
  sha256: string,
  checkLeaves: () => Promise<void>,
): AsyncGenerator<Uint8Array> {
  await checkLeaves()
  const hash = createHash('sha256')
  for await (const piece of bytes) {
    hash.update(piece)
    yield piece
  }
  if (hash.digest('hex') !== sha256) {
    const message = 'The stored message is not the one that was submitted; it was not sent.'
    throw new NotSent(message, { isTemporary: false, code: 'content_changed' })
  }
  await checkLeaves()
}

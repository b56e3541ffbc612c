/** The bytes of a submission on their way out: hashed as they pass, so that nothing else than what was approved is ever completed. */
import { createHash } from 'node:crypto'
import { type MessageBytes, NotSent } from './mail-sender.ts'

/**
 * @param checkLeaves Asked before the first byte and behind the last one: until then nobody gets the message.
 * @throws NotSent instead of ending, when these are not the bytes, and what `checkLeaves` throws.
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
    const message = 'The stored message is not the one that was handed in; it was not sent.'
    throw new NotSent(message, { isTemporary: false, code: 'content_changed' })
  }
  await checkLeaves()
}

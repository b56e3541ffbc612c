/** The bytes of a submission on their way out: hashed as they pass, so that nothing else than what was approved is ever completed. */
import { createHash } from 'node:crypto'
import { type MessageBytes, NotSent } from './mail-sender.ts'

export interface Leave {
  /** Asked before the first byte and behind the last one: until then nobody gets the message. */
  mayLeave(): boolean
  /** Behind the last byte. @throws NotSent */
  checkSender(): Promise<void>
}

/** @throws NotSent instead of ending, when these are not the bytes, or it may not leave. */
export async function* verifiedBytes(
  bytes: MessageBytes,
  sha256: string,
  { mayLeave, checkSender }: Leave,
): AsyncGenerator<Uint8Array> {
  if (!mayLeave()) throw frozen()
  const hash = createHash('sha256')
  for await (const piece of bytes) {
    hash.update(piece)
    yield piece
  }
  if (hash.digest('hex') !== sha256) {
    const message = 'The stored message is not the one that was handed in; it was not sent.'
    throw new NotSent(message, { isTemporary: false, code: 'content_changed' })
  }
  await checkSender()
  if (!mayLeave()) throw frozen()
}

function frozen(): NotSent {
  return new NotSent('A human stopped it.', { isTemporary: true, code: 'frozen' })
}

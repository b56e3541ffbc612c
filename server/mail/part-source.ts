/** Reads one part of a message piece by piece, each with a connection of its own. */
import type { MailConnection } from '../imap/mail-gateway.ts'
import { checkValidity, type MessagePlace } from '../imap/message-ref.ts'
import type { PartSource } from './part-download.ts'

interface PartReading {
  /** Lends a connection. @param isUnderWay It is not the first piece. */
  ask<T>(work: (connection: MailConnection) => Promise<T>, isUnderWay: boolean): Promise<T>
  /** Throws when the reader may not read it any more. */
  checkAgain(): Promise<void> | undefined
}

export function partSource(place: MessagePlace, partId: string, { ask, checkAgain }: PartReading): PartSource {
  const { folder, uid } = place
  const check = <T extends { uidValidity: number }>(answer: T): T => {
    checkValidity(place, answer.uidValidity)
    return answer
  }
  return {
    describe: async () => check(await ask(c => c.parts.describe(folder, uid, partId), false)).part,
    read: async (section, start, length) => {
      const { bytes } = check(await ask(c => c.parts.read(folder, uid, { section, start, length }), start > 0))
      await checkAgain()
      return bytes
    },
  }
}

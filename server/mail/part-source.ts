/** Reads a part of a message piece by piece, borrowing a connection for each piece. */
import { wholeMessage } from '../imap/gateway-capabilities.ts'
import type { MailConnection } from '../imap/mail-gateway.ts'
import { checkValidity, type MessagePlace } from '../imap/message-ref.ts'
import type { PartSource } from './part-download.ts'

/** @param isUnderWay True for the continuation of a download. */
export type Lend = <T>(work: (connection: MailConnection) => Promise<T>, isUnderWay: boolean) => Promise<T>

/** @param checkAgain Throws once the caller may no longer read it; called after each piece. */
export function partSource(
  lend: Lend,
  place: MessagePlace,
  partId: string,
  checkAgain: () => Promise<void> | undefined,
): PartSource {
  const { folder, uid } = place
  const check = <T extends { uidValidity: number }>(answer: T): T => {
    checkValidity(place, answer.uidValidity)
    return answer
  }
  const describe = ({ parts }: MailConnection) =>
    partId === wholeMessage ? parts.describeWhole(folder, uid) : parts.describe(folder, uid, partId)
  return {
    describe: async () => check(await lend(describe, false)).part,
    read: async (section, start, length) => {
      const piece = (c: MailConnection) => c.parts.read(folder, uid, { section, start, length })
      const { bytes } = check(await lend(piece, start > 0))
      await checkAgain()
      return bytes
    },
  }
}

/** Returns a permanently unique name of the part. */
export function partName(accountId: string, { folder, uidValidity, uid }: MessagePlace, partId: string): string {
  return [accountId, folder, uidValidity, uid, partId].join('\0')
}

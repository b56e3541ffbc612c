/** The data of a message that every way of listing returns. */
import type { Address, Flag, MessageFault } from '../../contract/mail.ts'

/**
 * A message in a list, before it has a reference. Texts of strangers are unbounded; address lists may hold only their
 * first 100.
 */
export interface MessageHeader {
  uid: number
  messageId: string | null
  subject: string
  from: Address[]
  /** Total number of addresses, of which the list holds the first; likewise each other count. */
  fromCount: number
  to: Address[]
  toCount: number
  /** INTERNALDATE, ISO 8601 with milliseconds. */
  date: string
  flags: Flag[]
  /** Flags other than system flags, as the server spells them. */
  keywords: string[]
  sizeBytes: number
  hasAttachments: boolean
  /** Why some of the data is missing; empty for ordinary mail. */
  faults: MessageFault[]
}

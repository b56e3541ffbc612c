/** What each way of listing messages knows of one. */
import type { Address, Flag, MessageFault } from '../../contract/mail.ts'

/** One message in a list, before it has a reference. What strangers wrote need not be short; lists of addresses may hold only their first 100. */
export interface MessageHeader {
  uid: number
  messageId: string | null
  subject: string
  from: Address[]
  /** How many there are, of which the list holds the first; so with each count. */
  fromCount: number
  to: Address[]
  toCount: number
  /** INTERNALDATE, ISO 8601 with milliseconds. */
  date: string
  flags: Flag[]
  /** Flags that are none of the system's, as the server writes them. */
  keywords: string[]
  sizeBytes: number
  hasAttachments: boolean
  /** Why not all of it is known; empty for ordinary mail. */
  faults: MessageFault[]
}

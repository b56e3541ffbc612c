/** The script of a conversation before it is rendered: who says what, in which order. */
import type { FolderName } from './seed-mail.ts'
import type { Person } from './seed-people.ts'

export type Turn = readonly [from: Person, text: string, attach?: 'pdf' | 'csv' | 'chart' | 'logo']

export interface Script {
  subject: string
  folder?: FolderName
  /** Days before now on which the first message was written. */
  daysAgo: number
  /** All participants, including the mailbox owner. */
  with: readonly Person[]
  turns: readonly Turn[]
}

/** What a conversation is, before it is played: who says what in which order. */
import type { FolderName } from './seed-mail.ts'
import type { Person } from './seed-people.ts'

export type Turn = readonly [from: Person, text: string, attach?: 'pdf' | 'csv' | 'chart' | 'logo']

export interface Script {
  subject: string
  folder?: FolderName
  /** When the first message was written. */
  daysAgo: number
  /** Everybody, the owner too. */
  with: readonly Person[]
  turns: readonly Turn[]
}

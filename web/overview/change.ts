/** A fact as a sentence: what each says, in which tone, and where one sees more of it. */
import type { Account } from '../../contract/accounts.ts'
import type { Fact } from '../../contract/event.ts'
import type { Tone } from '../ui/tone.ts'

export interface Change {
  tone: Tone
  text: string
  /** A second line: what a stranger wrote, or why. */
  detail?: string
  /** Where one sees more of it. */
  href?: string
  at: string
}

export type Named = Pick<Account, 'id' | 'name'>
/** Puts a fact into words; accounts are named by `nameOf`. */
export type SayChange<T extends Fact['type']> = (
  data: Extract<Fact, { type: T }>['data'],
  nameOf: (accountId: string) => string,
) => Omit<Change, 'at'>

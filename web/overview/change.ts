/** A fact as a sentence, with tone and link. */
import type { Account } from '../../contract/accounts.ts'
import type { Fact } from '../../contract/event.ts'
import type { Tone } from '../ui/tone.ts'

export interface Change {
  tone: Tone
  text: string
  /** A second line: untrusted text such as a subject, or a reason. */
  detail?: string
  /** The page with more details. */
  href?: string
  at: string
}

export type Named = Pick<Account, 'id' | 'name'>
/** Describes a fact; `nameOf` names accounts. */
export type SayChange<T extends Fact['type']> = (
  data: Extract<Fact, { type: T }>['data'],
  nameOf: (accountId: string) => string,
) => Omit<Change, 'at'>

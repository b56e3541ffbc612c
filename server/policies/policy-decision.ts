/** Judges what a caller wants to send against the policy of its token: the message as data, and the verdict. */
import type { PolicyFinding, TokenPolicy } from '../../contract/policy.ts'
import type { Database } from '../platform/database/database.ts'
import type { Principal } from '../platform/principal.ts'

/** The known facts of a message to be sent; none of them is the caller's own claim. */
export interface JudgedMessage {
  accountId: string
  /** All recipients of the envelope. */
  recipients: readonly string[]
  /** Addresses to which replies go (Reply-To), other than the owner's. */
  repliesTo?: readonly string[] | undefined
  attachmentBytes: number
  /** Addresses in the thread that it answers; undefined for a message that answers none. */
  threadPeople: ReadonlySet<string> | undefined
  /**
   * Whether that thread is verifiably from someone the account has written to before; only then it is known who chose
   * its addresses.
   */
  isThreadOfKnown?: boolean | undefined
  /** The draft's taint: see `DraftRow`. */
  taintMs: number | null
  /** When it is to be sent, in epoch milliseconds; undefined for now. */
  at?: number | undefined
}

export interface Verdict {
  verdict: 'send' | 'hold' | 'deny'
  findings: PolicyFinding[]
  /** For `send`: whether no recipient would require an approval after the program has read a stranger's mail. */
  isForKnown?: boolean
}

/** Judges without counting. People are not judged: what a user sends is the user's own act. */
export interface PolicyJudge {
  /** @param policy The policy as read from the database; undefined for people. */
  judge(principal: Principal, message: JudgedMessage, policy: TokenPolicy | undefined): Promise<Verdict>
  /**
   * Returns whether an approval is needed because the program has read a stranger's mail by now, as of this
   * transaction.
   */
  isTainted(principalId: string, policy: TokenPolicy, transaction: Database, verdict: Verdict): Promise<boolean>
}

/** Returns everyone who gets the message or replies to it, since replies quote it. */
export function peopleOf({ recipients, repliesTo = [] }: Pick<JudgedMessage, 'recipients' | 'repliesTo'>): string[] {
  return [...new Set([...recipients, ...repliesTo])]
}

export function verdictOf(findings: PolicyFinding[]): Verdict {
  const has = (effect: PolicyFinding['effect']) => findings.some(finding => finding.effect === effect)
  return { verdict: has('deny') ? 'deny' : has('hold') ? 'hold' : 'send', findings }
}

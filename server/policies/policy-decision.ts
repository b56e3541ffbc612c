/** Judging what a caller wants to send, against the policy of its token: what is asked for as data, and the verdict. */
import type { PolicyFinding, TokenPolicy } from '../../contract/policy.ts'
import type { Database } from '../platform/database/database.ts'
import type { Principal } from '../platform/principal.ts'

/** What is known of a message that is to be sent; nothing in it is the caller's own word about the message. */
export interface JudgedMessage {
  accountId: string
  /** All of the envelope. */
  recipients: readonly string[]
  attachmentBytes: number
  /** Addresses of the thread that it answers; undefined for a message that answers none. */
  threadPeople: ReadonlySet<string> | undefined
  /** Whether that thread is of somebody to whom the account wrote before, as the mail server has verified: only then is it known who chose them. */
  isThreadOfKnown?: boolean | undefined
  /** See `drafts.taint_ms`: of whose words it may be made. */
  taintMs: number | null
  /** When it is to leave, in epoch milliseconds; undefined for now. */
  at?: number | undefined
}

export interface Verdict {
  verdict: 'send' | 'hold' | 'deny'
  findings: PolicyFinding[]
  /** Of what is sent: whether nobody among its recipients asks for an approval when the program has read mail of a stranger. */
  isForKnown?: boolean
}

/** Judges; counts nothing. People are not judged: what a user sends is that user's own act. */
export interface PolicyJudge {
  /** @param policy As it was read from the database; undefined for people. */
  judge(principal: Principal, message: JudgedMessage, policy: TokenPolicy | undefined): Promise<Verdict>
  /** Whether an approval is asked for since the program has read mail of a stranger by now, as the database has it in this transaction. */
  isTainted(principalId: string, policy: TokenPolicy, transaction: Database, verdict: Verdict): Promise<boolean>
}

export function verdictOf(findings: PolicyFinding[]): Verdict {
  const has = (effect: PolicyFinding['effect']) => findings.some(finding => finding.effect === effect)
  return { verdict: has('deny') ? 'deny' : has('hold') ? 'hold' : 'send', findings }
}

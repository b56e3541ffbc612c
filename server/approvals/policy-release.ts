/** Stores why a policy let a message out without an approval, so that it can be judged again before it leaves. */
import type { TokenPolicy } from '../../contract/policy.ts'
import { recipientsOf, type SubmissionRow } from '../outbox/submission-tables.ts'
import type { JudgedMessage } from '../policies/policy-decision.ts'

interface StoredRelease {
  /** Absent in rows written by earlier versions. */
  repliesTo?: readonly string[] | undefined
  attachmentBytes: number
  threadPeople: string[] | null
  isThreadOfKnown?: boolean | undefined
  /** Absent in rows written by earlier versions. */
  taintMs?: number | null
  /** The part of the policy that decides when an approval is needed. */
  approval: ReturnType<typeof approvalPart>
}

export function storeRelease(
  policy: TokenPolicy,
  { repliesTo, attachmentBytes, threadPeople, isThreadOfKnown, taintMs }: JudgedMessage,
): string {
  const stored: StoredRelease = {
    repliesTo,
    attachmentBytes,
    threadPeople: threadPeople ? [...threadPeople] : null,
    isThreadOfKnown,
    taintMs,
    approval: approvalPart(policy),
  }
  return JSON.stringify(stored)
}

/** Returns whether the policy asks for approvals in the same cases as the one under which the message was let out. */
export function isReleasedBy({ let_out: stored }: Pick<SubmissionRow, 'let_out'>, policy: TokenPolicy): boolean {
  if (stored === null) return false
  return JSON.stringify((JSON.parse(stored) as StoredRelease).approval) === JSON.stringify(approvalPart(policy))
}

/** Returns the message to judge, with only the recipients that do not have it yet. */
export function releasedMessage(row: SubmissionRow): JudgedMessage {
  const recipients = recipientsOf(row).flatMap(({ email, state }) => (state === 'waiting' ? [email] : []))
  const stored = row.let_out === null ? undefined : (JSON.parse(row.let_out) as StoredRelease)
  return {
    accountId: row.account_id,
    recipients,
    repliesTo: stored?.repliesTo,
    // Unknown in rows of an earlier version; the size of the message is an upper bound.
    attachmentBytes: stored?.attachmentBytes ?? row.size_bytes,
    threadPeople: stored?.threadPeople ? new Set(stored.threadPeople) : undefined,
    isThreadOfKnown: stored?.isThreadOfKnown ?? false,
    taintMs: stored?.taintMs === undefined ? 0 : stored.taintMs,
  }
}

function approvalPart({ mode, sending: { approval, recipients } }: TokenPolicy) {
  const { always, strangers, tainted_minutes: taintedMinutes } = approval
  // After a stranger's mail was read, recipients listed here need no approval.
  return { mode, always, strangers, taintedMinutes, recipients }
}

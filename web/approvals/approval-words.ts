/** Approval requests and their outcomes, in words. */

import type { Approval, ApprovalState } from '../../contract/approvals.ts'
import type { AskerActivity } from '../../contract/asker-activity.ts'
import type { SubmissionRecipient } from '../../contract/submission.ts'
import { lowerAscii } from '../platform/ascii-case.ts'
import { formatCount, formatNumber } from '../platform/format.ts'
import { visibleText } from '../platform/visible-text.ts'
import type { Tone } from '../ui/tone.ts'

export const approvalStates: Record<ApprovalState, { tone: Tone; text: string }> = {
  waiting: { tone: 'warn', text: 'Waiting' },
  approved: { tone: 'good', text: 'Approved' },
  denied: { tone: 'bad', text: 'Denied' },
  expired: { tone: 'unknown', text: 'Expired' },
  void: { tone: 'unknown', text: 'Withdrawn' },
}

/** Names the first two recipients and counts the rest. */
export function recipientWords(recipients: readonly Pick<SubmissionRecipient, 'email'>[]): string {
  const [first, second, ...others] = recipients.map(({ email }) => visibleText(email))
  if (first === undefined) return 'nobody'
  if (second === undefined) return first
  return others.length === 0 ? `${first} and ${second}` : `${first}, ${second} and ${formatNumber(others.length)} more`
}

/** Returns the reasons in the server's words, without duplicates, strictest first. */
export function reasonsOf({ findings }: Pick<Approval, 'findings'>): string[] {
  return [...new Set(findings.map(({ why }) => why))]
}

/** Returns the recipients, in lower case, that the account never wrote to and that the message is held for. */
export function strangersOf({ findings }: Pick<Approval, 'findings'>): ReadonlySet<string> {
  const found = findings.filter(({ rule }) => rule === 'approval_strangers')
  return new Set(found.flatMap(({ recipients = [] }) => recipients.map(email => lowerAscii(email))))
}

/** Splits an address so that its domain, which decides where mail goes, can be emphasised. */
export function splitAddress(email: string): { local: string; domain: string } {
  const at = email.lastIndexOf('@')
  return at < 0 ? { local: email, domain: '' } : { local: email.slice(0, at + 1), domain: email.slice(at + 1) }
}

/** Whether a name contains an address other than the person's: `boss@ok.example <evil@x.example>`. */
export function showsAddress(name: string, email: string): boolean {
  const found = name.normalize('NFKC').match(/[^\s<>"(),;:]+@[^\s<>"(),;:]+/g) ?? []
  return found.some(address => lowerAscii(address) !== lowerAscii(email))
}

/** Counts addresses by domain, the rarest first: `evil.example (1), example.com (99)`. */
export function domainCounts(emails: readonly string[]): string {
  const counts = new Map<string, number>()
  for (const email of emails) {
    const domain = lowerAscii(splitAddress(email).domain)
    counts.set(domain, (counts.get(domain) ?? 0) + 1)
  }
  const rarest = [...counts].toSorted(([, one], [, other]) => one - other)
  const shown = rarest.slice(0, mostDomains).map(([domain, count]) => `${domain} (${count})`)
  const rest = rarest.length - shown.length
  return `${shown.join(', ')}${rest > 0 ? ` and ${rest} more domains` : ''}`
}

const mostDomains = 12

export interface ApprovalGroup {
  key: string
  /** Name of the requester. */
  name: string
  items: readonly Approval[]
}

/** Groups approvals that belong together, ordered by the oldest of each group. */
export function groupApprovals(items: readonly Approval[]): ApprovalGroup[] {
  const groups = new Map<string, Approval[]>()
  for (const item of items) groups.set(item.group, [...(groups.get(item.group) ?? []), item])
  return [...groups].map(([key, own]) => ({ key, name: own[0]!.asks.name, items: own }))
}

/** Returns the prefix of the window title; empty if nothing is pending. */
export function waitingMark(waiting: number): string {
  return waiting === 0 ? '' : `(${formatNumber(waiting)}) `
}

export function waitingWords(waiting: number): string {
  return waiting === 0
    ? 'Nothing waits for approval'
    : `${formatNumber(waiting)} ${waiting === 1 ? 'waits' : 'wait'} for approval`
}

/** Summarises the last hour, omitting zeros. */
export function activityWords({ sent, held, denied, changes, read_strangers: read }: AskerActivity): string {
  const did = [
    sent > 0 && `sent ${formatCount(sent, 'message')}`,
    held > 0 && `${formatCount(held, 'message')} held`,
    denied > 0 && `${formatCount(denied, 'message')} denied`,
    changes > 0 && `asked to change ${formatCount(changes, 'message')}`,
    read > 0 && `read ${formatCount(read, 'message')} of strangers`,
  ].filter(Boolean)
  return did.length > 0 ? did.join(', ') : 'nothing sent, changed or read of strangers'
}

/** An entry of the trail: from what happened to a row, and from a row to what is shown. */
import { type AuditEntry, Effect, goodOutcomes } from '../../contract/audit.ts'
import { type AuditChain, canonicalJson } from './audit-chain.ts'
import type { AuditRow } from './audit-tables.ts'

/** What someone did, or tried to do. */
export interface AuditFact {
  /** Epoch milliseconds. */
  at: number
  principalId: string
  principalName: string
  userId: string | null
  sessionId: string | null
  tokenId: string | null
  address: string
  userAgent: string
  operation: string
  effect: AuditEntry['effect']
  accountId: string | null
  refs: Record<string, string>
  /** Query and body, without secrets; only a digest is kept. Undefined when there was nothing. */
  input: unknown
  /** One of `goodOutcomes`, or the code of the problem. */
  outcome: string
  status: number
  durationMs: number
  requestId: string
}

export type NewAuditRow = Omit<AuditRow, 'number' | 'hash'>

/** The actor of what happens without a request. */
export const system = {
  principalId: 'system',
  principalName: 'RustyMail',
  userId: null,
  sessionId: null,
  tokenId: null,
  address: '',
  userAgent: '',
} as const

/** Twenty messages that were read take ten names, and the client that read them one. */
const maxRefs = 12
/** A reference of a message has up to 600 characters. */
const maxRef = 700
const maxText = 300
/** What both databases give back as it was written: PostgreSQL's `real` has 24 bits. */
const maxDurationMs = 16_000_000

/** Whatever came in, the row can be stored: a row that the database refuses would hold up all that come behind it. */
export function toRow(fact: AuditFact, chain: AuditChain): NewAuditRow {
  const refs = Object.entries(fact.refs).slice(0, maxRefs)
  return {
    at: new Date(fact.at).toISOString(),
    principal_id: tidy(fact.principalId),
    principal_name: tidy(fact.principalName),
    user_id: tidyOrNull(fact.userId),
    session_id: tidyOrNull(fact.sessionId),
    token_id: tidyOrNull(fact.tokenId),
    ip_address: tidy(fact.address),
    user_agent: tidy(fact.userAgent),
    operation: tidy(fact.operation),
    effect: fact.effect,
    account_id: tidyOrNull(fact.accountId),
    refs: canonicalJson(Object.fromEntries(refs.map(([name, value]) => [tidy(name), tidy(value, maxRef)]))),
    input_digest: fact.input === undefined ? null : chain.digest(fact.input),
    outcome: tidy(fact.outcome),
    status: fact.status,
    duration_ms: tidyDuration(fact.durationMs),
    request_id: tidy(fact.requestId),
  }
}

export function toEntry(row: AuditRow): AuditEntry {
  return { ...row, effect: Effect.parse(row.effect), refs: readRefs(row.refs) }
}

/**
 * What costs its caller nothing: it comes from nobody, or was refused before anything came of it. Else anyone who holds the
 * least of tokens could push all that others did out of a trail that is kept by size.
 */
export function isCheap(fact: AuditFact): boolean {
  if (fact.principalId !== 'anonymous') return !isGood(fact) && fact.status < 500
  return !isGood(fact) || fact.effect === 'read'
}

function isGood({ outcome }: AuditFact): boolean {
  return goodOutcomes.some(good => good === outcome)
}

/** Also what was revoked in memory alone so far: the actor must be known. */
export function isInForce(fact: AuditFact): boolean {
  return isGood(fact) || fact.outcome === 'revocation_not_stored'
}

/** Tenths of a millisecond, or whole ones from a second on. */
function tidyDuration(ms: number): number {
  const bounded = Math.min(Math.max(ms, 0), maxDurationMs)
  return bounded < 1000 ? Math.round(bounded * 10) / 10 : Math.round(bounded)
}

/** One line, bounded, and without what PostgreSQL does not take: NUL and halves of surrogate pairs. */
function tidy(text: string, most = maxText): string {
  const cut = text.slice(0, most)
  // As nearly all are.
  if (/^[ -~]*$/.test(cut)) return cut
  return cut.toWellFormed().replaceAll(/\p{Cc}/gu, '\ufffd')
}

function tidyOrNull(text: string | null): string | null {
  return text === null ? null : tidy(text)
}

/** A row that someone has changed is still to be shown. */
function readRefs(text: string): Record<string, string> {
  try {
    const refs: unknown = JSON.parse(text)
    return Object.fromEntries(Object.entries(refs ?? {}).map(([name, value]) => [name, String(value)]))
  } catch {
    return { unreadable: text }
  }
}

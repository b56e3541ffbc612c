/** An entry of the trail, from the outcome of a request to a fact, a row, and what is shown. */
import { type AuditEntry, Effect, goodOutcomes } from '../../contract/audit.ts'
import type { RequestOutcome, Trail } from '../platform/http/http-outcome.ts'
import type { Logger } from '../platform/logger.ts'
import { anonymous } from '../platform/principal.ts'
import { type AuditChain, canonicalJson } from './audit-chain.ts'
import type { AuditRow } from './audit-tables.ts'

/** An action, or the attempt at one. */
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
  /** Query and body without secrets, of which only a digest is stored. Undefined if there was none. */
  input: unknown
  /** One of `goodOutcomes`, or the code of the problem. */
  outcome: string
  status: number
  durationMs: number
  requestId: string
}

export type NewAuditRow = Omit<AuditRow, 'number' | 'hash'>

/** The actor of events that no request caused. */
export const system = {
  principalId: 'system',
  principalName: 'RustyMail',
  userId: null,
  sessionId: null,
  tokenId: null,
  address: '',
  userAgent: '',
} as const

export interface HttpTrailOptions {
  /** `AuditService`. */
  audit: {
    readonly isFull: boolean
    wants(effect: AuditFact['effect'], operation: string, outcome: string): boolean
    record(fact: AuditFact): Promise<void>
  }
  now: () => number
  logger: Logger
}

/**
 * Each page calls it when it opens, to learn whether the browser is signed in; an anonymous response is not a refusal.
 */
const question = 'access.getSession'

/** Records requests that ended in the HTTP server. */
export class HttpTrail implements Trail {
  readonly #options: HttpTrailOptions

  constructor(options: HttpTrailOptions) {
    this.#options = options
  }

  get isFull(): boolean {
    return this.#options.audit.isFull
  }

  record(outcome: RequestOutcome): Promise<void> | undefined {
    const { audit, now, logger } = this.#options
    const { effect, operation, code, requestId, hasCredentials } = outcome
    if (operation === question && code === 'unauthorized' && !hasCredentials) return undefined
    if (!audit.wants(effect, operation, code)) return undefined
    return audit
      .record(toFact(outcome, now()))
      .catch(err => logger.error({ err, operation, request_id: requestId }, 'an entry of the audit trail is lost'))
  }
}

function toFact(outcome: RequestOutcome, at: number): AuditFact {
  const { account_id, ...others } = outcome.refs
  const { id, name, kind, userId, workSession } = outcome.caller?.principal ?? anonymous
  const refs = workSession === undefined ? others : { ...others, work_session: workSession }
  return {
    at,
    principalId: id,
    principalName: name,
    userId,
    sessionId: kind === 'session' ? id.replace(/^session-/, '') : null,
    tokenId: kind === 'token' ? id.replace(/^token-/, '') : null,
    address: outcome.address,
    userAgent: outcome.userAgent,
    operation: outcome.operation,
    effect: outcome.effect,
    accountId: account_id ?? null,
    refs,
    input: outcome.input,
    outcome: outcome.code,
    status: outcome.status,
    durationMs: outcome.durationMs,
    requestId: outcome.requestId,
  }
}

/** References per entry: twenty messages read take ten, and the client that read them one. */
const maxRefs = 12
/** Characters of one reference; that of a message has up to 600. */
const maxRef = 700
const maxText = 300
/** Upper bound in ms that both databases return as written: PostgreSQL's `real` has 24 bits. */
const maxDurationMs = 16_000_000

/** Converts a fact to a row that can always be stored: a row that the database refuses would block all that follow. */
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
 * Returns true for what costs its caller nothing: it is anonymous, or was refused before it had an effect. Otherwise
 * the holder of the weakest token could flood a size-bounded trail and so evict what others did.
 */
export function isCheap(fact: AuditFact): boolean {
  if (fact.principalId !== 'anonymous') return !isGood(fact) && fact.status < 500
  return !isGood(fact) || fact.effect === 'read'
}

function isGood({ outcome }: AuditFact): boolean {
  return goodOutcomes.some(good => good === outcome)
}

/** Returns true also for a revocation in memory that is not stored yet: its actor must be recorded. */
export function isInForce(fact: AuditFact): boolean {
  return isGood(fact) || fact.outcome === 'revocation_not_stored'
}

/** Rounds to tenths of a millisecond, and from a second on to whole ones. */
function tidyDuration(ms: number): number {
  const bounded = Math.min(Math.max(ms, 0), maxDurationMs)
  return bounded < 1000 ? Math.round(bounded * 10) / 10 : Math.round(bounded)
}

/** Returns one bounded line without what PostgreSQL rejects: NUL and lone surrogates. */
function tidy(text: string, most = maxText): string {
  const cut = text.slice(0, most)
  // A fast path for nearly all texts.
  if (/^[ -~]*$/.test(cut)) return cut
  return cut.toWellFormed().replaceAll(/\p{Cc}/gu, '\ufffd')
}

function tidyOrNull(text: string | null): string | null {
  return text === null ? null : tidy(text)
}

/** Reads references, also of a tampered row, which must still be shown. */
function readRefs(text: string): Record<string, string> {
  try {
    const refs: unknown = JSON.parse(text)
    return Object.fromEntries(Object.entries(refs ?? {}).map(([name, value]) => [name, String(value)]))
  } catch {
    return { unreadable: text }
  }
}

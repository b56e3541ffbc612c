/** Records requests that ended in the HTTP server. */
import type { RequestOutcome, Trail } from '../platform/http/http-outcome.ts'
import type { Logger } from '../platform/logger.ts'
import { anonymous } from '../platform/principal.ts'
import type { AuditFact } from './audit-entry.ts'
import type { AuditService } from './audit-service.ts'

export interface HttpTrailOptions {
  audit: Pick<AuditService, 'wants' | 'record' | 'isFull'>
  now: () => number
  logger: Logger
}

/**
 * Each page calls it when it opens, to learn whether the browser is signed in; an anonymous response is not a refusal.
 */
const question = 'access.getSession'

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

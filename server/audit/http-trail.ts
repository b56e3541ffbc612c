/** Tells the trail of the requests that ended at the door. */
import type { RequestOutcome, Trail } from '../platform/http-outcome.ts'
import type { Logger } from '../platform/logger.ts'
import { anonymous } from '../platform/principal.ts'
import type { AuditFact } from './audit-entry.ts'
import type { AuditService } from './audit-service.ts'

export interface HttpTrailOptions {
  audit: Pick<AuditService, 'wants' | 'record' | 'isFull'>
  now: () => number
  logger: Logger
}

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
    const { effect, operation, code, requestId } = outcome
    if (!audit.wants(effect, operation, code)) return undefined
    return audit
      .record(toFact(outcome, now()))
      .catch(err => logger.error({ err, operation, request_id: requestId }, 'an entry of the audit trail is lost'))
  }
}

function toFact(outcome: RequestOutcome, at: number): AuditFact {
  const { account_id, ...refs } = outcome.refs
  const { id, name, kind, userId } = outcome.caller?.principal ?? anonymous
  const { query, body } = outcome.input
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
    input: isEmpty(query) && isEmpty(body) ? undefined : { query, body },
    outcome: outcome.code,
    status: outcome.status,
    durationMs: outcome.durationMs,
    requestId: outcome.requestId,
  }
}

function isEmpty(part: unknown): boolean {
  return part === undefined || part === null || (typeof part === 'object' && Object.keys(part).length === 0)
}

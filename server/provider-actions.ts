/** Records in the audit trail what the OpenID Connect provider changes about users. A part of the composition root. */

import type { AuditService } from './audit/audit-service.ts'
import type { ProviderAction } from './oidc/oidc-user-sync.ts'
import type { Logger } from './platform/logger.ts'

interface Around {
  audit: Pick<AuditService, 'record'>
  now: () => number
  logger: Logger
}

/** Records a deed; resolves when the entry is in the database, or its loss is logged. */
export async function recordProviderAction(action: ProviderAction, { audit, now, logger }: Around): Promise<void> {
  const { principal, operation, userId, outcome, from } = action
  const entry = {
    at: now(),
    principalId: principal.id,
    principalName: principal.name,
    userId: null,
    sessionId: null,
    tokenId: null,
    // The browser in which the user returned from the provider.
    address: from.address,
    userAgent: from.userAgent,
    operation,
    effect: 'write',
    accountId: null,
    refs: { user_id: userId },
    input: undefined,
    outcome,
    status: outcome === 'ok' ? 200 : 409,
    durationMs: 0,
    requestId: '',
  } as const
  await audit
    .record(entry)
    .catch((err: unknown) => logger.error({ err, operation, user: userId }, 'an entry of the audit trail is lost'))
}

/** The result of verifying the trail. */
import type { z } from 'zod'
import type { auditApi } from '../../contract/audit.ts'

export type AuditVerdict = z.infer<typeof auditApi.verifyAudit.response>
export type Fault = NonNullable<AuditVerdict['fault']>

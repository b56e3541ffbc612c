/** What a check of the trail comes to. */
import type { z } from 'zod'
import type { auditApi } from '../../contract/audit.ts'

export type AuditVerdict = z.infer<typeof auditApi.verifyAudit.response>
export type Fault = NonNullable<AuditVerdict['fault']>

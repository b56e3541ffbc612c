/** /api/dashboard/audit: the trail, its verification and settings, and all of it as a file. */
import { Readable } from 'node:stream'
import { auditApi, exportAudit } from '../../contract/audit.ts'
import { handleRaw } from '../platform/http/http-raw.ts'
import { type HttpServer, handle } from '../platform/http/http-server.ts'
import { Problem } from '../platform/problem.ts'
import { visibleAccounts } from '../platform/visible-figures.ts'
import { exportFormats } from './audit-export.ts'
import type { AuditService } from './audit-service.ts'

export function auditRoutes(http: HttpServer, audit: AuditService): void {
  handle(http, auditApi.listAudit, ({ principal, query }) =>
    audit.list({ ...query, accounts: visibleAccounts(principal) }),
  )
  handle(http, auditApi.verifyAudit, () => audit.verify())
  handle(http, auditApi.getAuditSettings, () => audit.settings)
  handle(http, auditApi.changeAuditSettings, call => {
    // A leaked token could otherwise have its own actions pruned.
    if (call.principal.kind === 'token') {
      throw new Problem('session_needed', 'Sign in to change what the audit trail keeps; a token may not.')
    }
    const { reads, keep_days, keep_entries } = call.body
    call.note({ reads, keep_days: String(keep_days), keep_entries: String(keep_entries) })
    return audit.changeSettings(call.body)
  })
  const operation = { name: 'audit.exportAudit', scope: exportAudit.scope, effect: exportAudit.effect }
  handleRaw(http, exportAudit, operation, async ({ principal, query, method }, reply) => {
    const { format, ...filter } = query
    const name = `rustymail-audit-${new Date().toISOString().slice(0, 10)}.${format}`
    reply
      .header('cache-control', 'no-store')
      .header('content-disposition', `attachment; filename="${name}"`)
      .type(exportFormats[format].contentType)
    if (method === 'HEAD') return reply.send('')
    // Only one chunk ahead of the client: back-pressure from a slow client slows down the reading.
    return reply.send(
      Readable.from(audit.export({ ...filter, accounts: visibleAccounts(principal) }, format), { highWaterMark: 1 }),
    )
  })
}

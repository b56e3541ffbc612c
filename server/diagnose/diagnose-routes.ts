/** /api/dashboard/accounts/{account_id}/diagnose and its report. */
import { diagnoseApi } from '../../contract/diagnose.ts'
import { type HttpServer, handle } from '../platform/http/http-server.ts'
import type { DiagnoseService } from './diagnose-service.ts'

export function diagnoseRoutes(http: HttpServer, diagnosing: Pick<DiagnoseService, 'diagnose' | 'report'>): void {
  handle(http, diagnoseApi.diagnoseAccount, ({ principal, params, query }) =>
    diagnosing.diagnose(principal, params.account_id, { retryLogin: query.retry_login === 'true' }),
  )
  handle(http, diagnoseApi.getDiagnosisReport, ({ principal, params }) =>
    diagnosing.report(principal, params.account_id),
  )
}

/** /api/dashboard/accounts/{account_id}/usage. */
import { accountUsageApi } from '../../contract/account-usage.ts'
import { type HttpServer, handle } from '../platform/http/http-server.ts'
import type { UsageService } from './usage-service.ts'

export function usageRoutes(http: HttpServer, usage: Pick<UsageService, 'get'>): void {
  handle(http, accountUsageApi.getUsage, ({ principal, params }) => usage.get(principal, params.account_id))
}

/** /api/v1/search, and the same for one account. */
import { mailSearchApi } from '../../contract/mail-search.ts'
import { type HttpServer, handle } from '../platform/http/http-server.ts'
import type { MailSearch } from './mail-search.ts'

export function searchRoutes(http: HttpServer, search: MailSearch): void {
  handle(http, mailSearchApi.searchMail, ({ principal, query, signal }) =>
    search.writeMailSearch(principal, query, signal),
  )
  handle(http, mailSearchApi.searchAccount, ({ principal, params, query, signal }) =>
    search.writeAccountSearch(principal, params.account_id, query, signal),
  )
}

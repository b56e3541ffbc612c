/** /api/v1/accounts/{account_id}/changes, threads and index: answered by the local index. */
import { mailIndexApi } from '../../contract/mail-index.ts'
import { type HttpServer, handle } from '../platform/http/http-server.ts'
import type { IndexedMail } from './indexed-mail.ts'

export function indexRoutes(http: HttpServer, mail: IndexedMail): void {
  handle(http, mailIndexApi.listChanges, ({ principal, params, query }) =>
    mail.listChanges(principal, params.account_id, query),
  )
  handle(http, mailIndexApi.listThreads, ({ principal, params, query }) =>
    mail.listThreads(principal, params.account_id, query),
  )
  handle(http, mailIndexApi.getThread, ({ principal, params, query }) =>
    mail.getThread(principal, params.account_id, params.thread_id, query),
  )
  handle(http, mailIndexApi.listMessagesById, ({ principal, params, query }) =>
    mail.listById(principal, params.account_id, query.ids.split(',')),
  )
  handle(http, mailIndexApi.listContacts, ({ principal, params, query }) =>
    mail.listContacts(principal, params.account_id, query),
  )
  handle(http, mailIndexApi.getIndex, ({ principal, params }) => mail.getIndex(principal, params.account_id))
  handle(http, mailIndexApi.rebuildIndex, ({ principal, params }) => mail.rebuildIndex(principal, params.account_id))
}

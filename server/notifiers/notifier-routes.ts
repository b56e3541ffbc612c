/** /api/dashboard/notifiers. */
import { notifiersApi } from '../../contract/notifiers.ts'
import { type HttpServer, handle } from '../platform/http/http-server.ts'
import type { NotifierService } from './notifier-service.ts'

export function notifierRoutes(http: HttpServer, notifiers: NotifierService): void {
  handle(http, notifiersApi.listNotifiers, async ({ principal }) => ({ items: await notifiers.list(principal) }))
  handle(http, notifiersApi.createNotifier, ({ principal, body }) => notifiers.create(principal, body))
  handle(http, notifiersApi.changeNotifier, ({ principal, params, body }) =>
    notifiers.change(principal, params.notifier_id, body),
  )
  handle(http, notifiersApi.deleteNotifier, async ({ principal, params }) => {
    await notifiers.delete(principal, params.notifier_id)
    return undefined
  })
  handle(http, notifiersApi.testNotifier, ({ principal, params, signal }) =>
    notifiers.test(principal, params.notifier_id, signal),
  )
  handle(http, notifiersApi.listNotifierDeliveries, async ({ principal, params }) => ({
    items: await notifiers.deliveries(principal, params.notifier_id),
  }))
}

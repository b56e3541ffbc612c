/** /api/v1/webhooks. */
import { api } from '../../contract/index.ts'
import { type HttpServer, handle } from '../platform/http/http-server.ts'
import type { WebhookService } from './webhook-service.ts'

export function webhookRoutes(http: HttpServer, webhooks: WebhookService): void {
  const { webhooks: hooks } = api
  handle(http, hooks.listWebhooks, async ({ principal }) => ({ items: await webhooks.list(principal) }))
  handle(http, hooks.createWebhook, async call => {
    const created = await webhooks.create(call.principal, call.body)
    call.note({ webhook_id: created.webhook.id, host: new URL(created.webhook.url).host.slice(0, 100) })
    return created
  })
  handle(http, hooks.getWebhook, ({ principal, params }) => webhooks.get(principal, params.webhook_id))
  handle(http, hooks.changeWebhook, ({ principal, params, body }) =>
    webhooks.change(principal, params.webhook_id, body),
  )
  handle(http, hooks.deleteWebhook, async ({ principal, params }) => {
    await webhooks.delete(principal, params.webhook_id)
    return undefined
  })
  handle(http, hooks.rotateWebhookSecret, ({ principal, params, body }) =>
    webhooks.rotate(principal, params.webhook_id, body.keep_minutes),
  )
  handle(http, hooks.testWebhook, ({ principal, params, signal }) =>
    webhooks.test(principal, params.webhook_id, signal),
  )
  handle(http, hooks.replayWebhook, ({ principal, params, body }) =>
    webhooks.replay(principal, params.webhook_id, body),
  )
  handle(http, hooks.disableWebhook, ({ principal, params }) => webhooks.disable(principal, params.webhook_id))
  handle(http, hooks.enableWebhook, ({ principal, params }) => webhooks.enable(principal, params.webhook_id))
  handle(http, hooks.listWebhookDeliveries, async ({ principal, params }) => ({
    items: await webhooks.deliveries(principal, params.webhook_id),
  }))
}

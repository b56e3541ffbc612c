/** /api/dashboard/push. */
import { pushApi } from '../../contract/push.ts'
import { type HttpServer, handle } from '../platform/http/http-server.ts'
import type { PushService } from './push-service.ts'

export function pushRoutes(http: HttpServer, push: PushService): void {
  handle(http, pushApi.getPush, ({ principal }) => push.get(principal))
  handle(http, pushApi.subscribePush, async call => {
    const subscription = await push.subscribe(call.principal, call.body, call.caller.userAgent)
    call.note({ subscription_id: subscription.id, service: subscription.service })
    return subscription
  })
  handle(http, pushApi.unsubscribePush, ({ principal, params }) => push.unsubscribe(principal, params.subscription_id))
  handle(http, pushApi.testPush, ({ principal, params, signal }) =>
    push.test(principal, params.subscription_id, signal),
  )
}

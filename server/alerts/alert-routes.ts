/** /api/dashboard/alerts and /api/dashboard/alert-rules. */
import { alertsApi } from '../../contract/alerts.ts'
import { type HttpServer, handle } from '../platform/http/http-server.ts'
import type { AlertService } from './alert-service.ts'

export function alertRoutes(http: HttpServer, alerts: AlertService): void {
  handle(http, alertsApi.listAlerts, ({ principal, query }) => alerts.list(principal, query))
  handle(http, alertsApi.acknowledgeAlert, ({ principal, params }) => alerts.acknowledge(principal, params.alert_id))
  handle(http, alertsApi.silenceAlert, ({ principal, params, body }) =>
    alerts.silence(principal, params.alert_id, body.seconds),
  )
  handle(http, alertsApi.listAlertRules, async ({ principal }) => ({
    items: await alerts.listRules(principal),
    next_cursor: null,
  }))
  handle(http, alertsApi.createAlertRule, ({ principal, body }) => alerts.create(principal, body))
  handle(http, alertsApi.changeAlertRule, ({ principal, params, body }) =>
    alerts.change(principal, params.rule_id, body),
  )
  handle(http, alertsApi.resetAlertRule, ({ principal, params }) => alerts.reset(principal, params.rule_id))
  handle(http, alertsApi.deleteAlertRule, async ({ principal, params }) => {
    await alerts.delete(principal, params.rule_id)
    return undefined
  })
  handle(http, alertsApi.backTestRule, ({ principal, body }) =>
    alerts.backTest(principal, body.rule, body.from, body.to),
  )
}

/** GET and PUT /api/dashboard/config. */
import { settingsApi } from '../../contract/settings.ts'
import { type HttpServer, handle } from '../platform/http-server.ts'
import type { SettingsService } from './settings-service.ts'

export function settingsRoutes(http: HttpServer, settings: SettingsService): void {
  handle(http, settingsApi.getConfig, ({ principal }) => settings.getConfig(principal))
  handle(http, settingsApi.updateConfig, call => {
    const { principal, body, query } = call
    const noteFields = (fields: readonly string[]) => call.note({ fields: fields.join(', ') })
    return settings.updateConfig(principal, body, query.verify === 'true', noteFields)
  })
}

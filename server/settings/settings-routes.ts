/** GET and PUT /api/dashboard/config, and the allowed private networks. */
import { settingsApi } from '../../contract/settings.ts'
import { type HttpServer, handle } from '../platform/http/http-server.ts'
import type { NetworkService } from './network-service.ts'
import type { SettingsService } from './settings-service.ts'

export function settingsRoutes(http: HttpServer, settings: SettingsService, networks: NetworkService): void {
  handle(http, settingsApi.getConfig, ({ principal }) => settings.getConfig(principal))
  handle(http, settingsApi.updateConfig, call => {
    const { principal, body, query } = call
    const noteFields = (fields: readonly string[]) => call.note({ fields: fields.join(', ') })
    return settings.updateConfig(principal, body, query.verify === 'true', noteFields)
  })
  handle(http, settingsApi.listPrivateNetworks, () => networks.list())
  handle(http, settingsApi.allowPrivateNetworks, call =>
    networks.allow(call.principal, call.body, tried =>
      call.note({ networks: tried.join(', '), servers: call.body.servers }),
    ),
  )
  handle(http, settingsApi.forbidPrivateNetwork, ({ principal, params, query }) =>
    networks.forbid(principal, params.network, query.servers),
  )
}

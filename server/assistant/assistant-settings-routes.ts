/** The settings of the assistant, under /api/dashboard/chatbot/settings. */
import { assistantSettingsApi as settingsApi } from '../../contract/assistant-settings.ts'
import { type HttpServer, handle } from '../platform/http/http-server.ts'
import type { AssistantSettingsService } from './assistant-settings-service.ts'

export function assistantSettingsRoutes(http: HttpServer, settings: AssistantSettingsService): void {
  handle(http, settingsApi.getAssistantSettings, ({ principal }) => settings.get(principal))
  handle(http, settingsApi.updateAssistantSettings, call => {
    call.note({ fields: Object.keys(call.body).join(', ') })
    return settings.update(call.principal, call.body)
  })
  handle(http, settingsApi.createProvider, call => {
    call.note({ provider: call.body.name })
    return settings.create(call.principal, call.body)
  })
  handle(http, settingsApi.updateProvider, call => {
    call.note({ provider: call.params.provider_id })
    return settings.change(call.principal, call.params.provider_id, call.body)
  })
  handle(http, settingsApi.deleteProvider, call => settings.remove(call.principal, call.params.provider_id))
  handle(http, settingsApi.testProvider, call => settings.test(call.principal, call.body, call.signal))
  handle(http, settingsApi.listModels, call => settings.listModels(call.principal, call.body, call.signal))
}

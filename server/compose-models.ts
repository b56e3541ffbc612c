/** The assistant, wired by hand: its models in their order, and what is set for them. A part of the composition root. */
import { createChatModel, settingsOf } from './assistant/adapters/index.ts'
import type { AssistantConfig } from './assistant/assistant-config.ts'
import { assistantRoutes } from './assistant/assistant-routes.ts'
import { AssistantService } from './assistant/assistant-service.ts'
import { assistantSettingsRoutes } from './assistant/assistant-settings-routes.ts'
import { AssistantSettingsService } from './assistant/assistant-settings-service.ts'
import { AssistantSettingsStore } from './assistant/assistant-settings-store.ts'
import { ModelChain } from './assistant/model-chain.ts'
import type { ComposedOutbound } from './compose-outbound.ts'
import type { EventHub } from './events/event-hub.ts'
import type { CallMetrics } from './metrics/call-metrics.ts'
import type { Database } from './platform/database/database.ts'
import type { HttpServer } from './platform/http/http-server.ts'
import type { Part } from './platform/lifecycle.ts'
import type { Logger } from './platform/logger.ts'
import type { SecretBox } from './platform/secret-box.ts'

export interface AssistantSurroundings {
  db: Database
  hub: EventHub
  secrets: SecretBox
  config: AssistantConfig
  outbound: Pick<ComposedOutbound, 'named' | 'chosen'>
  calls: Pick<CallMetrics, 'recordProvider'>
  logger: Logger
}

export interface ComposedAssistant {
  addRoutes(http: HttpServer): void
  /** Reads what is set. */
  settingsPart: Part
  part: Part
}

export function composeAssistant(around: AssistantSurroundings): ComposedAssistant {
  const { db, hub, secrets, config, outbound, calls, logger } = around
  const chain = new ModelChain({ logger, observe: call => calls.recordProvider(call) })
  const settings = new AssistantSettingsService({
    store: new AssistantSettingsStore(db),
    hub,
    secrets,
    chain,
    environment: settingsOf(config),
    reach: { environment: outbound.named, page: outbound.chosen },
    createModel: createChatModel,
  })
  const assistant = new AssistantService({ choice: chain, logger, deadlineMs: config.deadlineMs })
  return {
    addRoutes: http => {
      assistantRoutes(http, assistant)
      assistantSettingsRoutes(http, settings)
    },
    settingsPart: {
      name: 'assistant-settings',
      start: () => settings.start(),
      stop: () => outbound.chosen.stop(),
    },
    part: { name: 'assistant', stop: () => assistant.stop() },
  }
}

/** The models of the assistant, wired by hand: their order and settings. A part of the composition root. */
import { createChatModel, settingsOf } from './assistant/adapters/index.ts'
import type { AssistantConfig } from './assistant/assistant-config.ts'
import { assistantSettingsRoutes } from './assistant/assistant-settings-routes.ts'
import { AssistantSettingsService } from './assistant/assistant-settings-service.ts'
import { AssistantSettingsStore } from './assistant/assistant-settings-store.ts'
import { ModelChain } from './assistant/model-chain.ts'
import type { ModelChoice } from './assistant/model-choice.ts'
import { tracedModel } from './assistant/traced-model.ts'
import type { ComposedOutbound } from './compose-outbound.ts'
import type { EventHub } from './events/event-hub.ts'
import type { CallMetrics } from './metrics/call-metrics.ts'
import type { Database } from './platform/database/database.ts'
import type { HttpServer } from './platform/http/http-server.ts'
import type { Part } from './platform/lifecycle.ts'
import type { Logger } from './platform/logger.ts'
import type { SecretBox } from './platform/secret-box.ts'
import type { Tracer } from './platform/tracing/tracer.ts'

export interface ModelSurroundings {
  db: Database
  hub: EventHub
  secrets: SecretBox
  config: AssistantConfig
  outbound: Pick<ComposedOutbound, 'named' | 'chosen'>
  calls: Pick<CallMetrics, 'recordProvider'>
  tracer: Tracer | undefined
  logger: Logger
}

export interface ComposedModels {
  choice: ModelChoice
  addRoutes(http: HttpServer): void
  /** Loads the settings at the start. */
  part: Part
}

export function composeModels(around: ModelSurroundings): ComposedModels {
  const { db, hub, secrets, config, outbound, calls, tracer, logger } = around
  const chain = new ModelChain({ logger, observe: call => calls.recordProvider(call) })
  const settings = new AssistantSettingsService({
    store: new AssistantSettingsStore(db),
    hub,
    secrets,
    chain,
    environment: settingsOf(config),
    reach: { environment: outbound.named, page: outbound.chosen },
    createModel: (of, fetch) => {
      const model = createChatModel(of, fetch)
      return tracer ? tracedModel(model, tracer) : model
    },
  })
  return {
    choice: chain,
    addRoutes: http => assistantSettingsRoutes(http, settings),
    part: {
      name: 'assistant-settings',
      start: () => settings.start(),
      stop: () => outbound.chosen.stop(),
    },
  }
}

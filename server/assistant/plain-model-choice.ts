/** ModelChoice over the plain chain: text alone, with limits that nobody set. */
import type { AssistantLimits } from '../../contract/assistant-settings.ts'
import { Problem } from '../platform/problem.ts'
import type { ChatModel } from './chat-model.ts'
import type { ModelChoice, ModelPart, ModelStep } from './model-choice.ts'
import type { ProviderChain } from './provider-chain.ts'

const limits: AssistantLimits = {
  ...{ temperature: null, max_output_tokens: 4_000, max_steps: 8, max_seconds: 60 },
  ...{ conversation_tokens: 1_000_000, conversation_cost_usd: null },
  ...{ principal_tokens_per_day: 5_000_000, principal_cost_usd_per_day: null, retention_days: 90 },
}

export class PlainModelChoice implements ModelChoice {
  readonly #models: readonly ChatModel[]
  readonly #chain: Pick<ProviderChain, 'answer'>

  constructor(models: readonly ChatModel[], chain: Pick<ProviderChain, 'answer'>) {
    this.#models = models
    this.#chain = chain
  }

  models() {
    return this.#models
  }

  limits() {
    return limits
  }

  shareOf() {
    return 'none' as const
  }

  costOf() {
    return null
  }

  async *answer({ requestFor, endsAt, signal }: ModelStep): AsyncGenerator<ModelPart> {
    const [model] = this.#models
    if (!model) throw new Problem('no_model_configured', 'No model is configured.')
    const request = requestFor({ ...model, takesTools: false, contextTokens: 32_000 } as ChatModel)
    if (request instanceof Problem) throw request
    for await (const each of this.#chain.answer({ ...request, signal }, endsAt)) yield { type: 'part', ...each }
  }
}

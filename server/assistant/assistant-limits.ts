/** The default limits of the assistant. */
import type { AssistantLimits } from '../../contract/assistant-settings.ts'

export const usualLimits: AssistantLimits = {
  temperature: null,
  max_output_tokens: 4_000,
  max_steps: 12,
  max_seconds: 120,
  conversation_tokens: 500_000,
  conversation_cost_usd: null,
  principal_tokens_per_day: 2_000_000,
  principal_cost_usd_per_day: null,
  retention_days: 90,
}

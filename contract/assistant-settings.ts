/** Settings of the assistant: model providers in the order in which they are tried, limits, and which mail each of them may be sent. */
import { z } from 'zod'
import { endpoint } from './endpoint.ts'
import {
  AssistantProvider,
  assistantBounds,
  MailShare,
  ProviderBody,
  ProviderTest,
  providerId,
} from './model-provider.ts'
import { AccountId } from './wire.ts'

export const AssistantLimits = z
  .strictObject({
    temperature: z.number().min(0).max(2).nullable().describe("null: the model's own"),
    max_output_tokens: z.int().min(100).max(100_000),
    max_steps: z.int().min(1).max(50).describe('Rounds of tool calls in one answer'),
    max_seconds: z
      .int()
      .min(10)
      .max(600)
      .describe('Time limit of one answer, not counting the time spent waiting for a human'),
    conversation_tokens: z.int().min(1_000).max(100_000_000),
    conversation_cost_usd: z.number().min(0).max(10_000).nullable(),
    principal_tokens_per_day: z.int().min(1_000).max(1_000_000_000),
    principal_cost_usd_per_day: z.number().min(0).max(10_000).nullable(),
    retention_days: z.int().min(1).max(3_650).describe('Conversations without activity for this many days are deleted'),
  })
  .meta({ id: 'AssistantLimits' })
export type AssistantLimits = z.infer<typeof AssistantLimits>

export const MailShareRule = z.strictObject({ account_id: AccountId, provider_id: providerId, share: MailShare })

export const AssistantSettings = z
  .object({
    providers: z.array(AssistantProvider).describe('In the order in which they are tried'),
    limits: AssistantLimits,
    shares: z.array(MailShareRule).describe('Exceptions for single accounts'),
  })
  .meta({ id: 'AssistantSettings' })
export type AssistantSettings = z.infer<typeof AssistantSettings>

const InProvider = z.object({ provider_id: providerId })
const base = '/api/dashboard/chatbot/settings'
const common = { tag: 'Assistant', scope: 'dashboard:admin', callers: 'not_token' } as const

export const assistantSettingsApi = {
  getAssistantSettings: endpoint({
    ...common,
    method: 'GET',
    path: base,
    summary: 'Get the settings of the assistant',
    effect: 'read',
    response: AssistantSettings,
    problems: ['session_needed'],
  }),
  updateAssistantSettings: endpoint({
    ...common,
    method: 'PUT',
    path: base,
    summary: 'Change the order of providers, the limits, and which mail they may be sent',
    effect: 'write',
    body: z.strictObject({
      order: z.array(providerId).max(assistantBounds.providers).optional(),
      limits: AssistantLimits.optional(),
      shares: z.array(MailShareRule).max(2_000).optional(),
    }),
    // Large enough for many accounts and providers, each with its own setting.
    bodyLimit: 512 * 1024,
    bodyShape: { names: 6_100, values: 16_200 },
    response: AssistantSettings,
    problems: ['session_needed'],
  }),
  createProvider: endpoint({
    ...common,
    method: 'POST',
    path: `${base}/providers`,
    summary: 'Add a model provider',
    effect: 'write',
    body: ProviderBody,
    status: 201,
    response: AssistantProvider,
    problems: ['session_needed', 'too_many_providers'],
  }),
  updateProvider: endpoint({
    ...common,
    method: 'PUT',
    path: `${base}/providers/{provider_id}`,
    summary: 'Change a model provider',
    effect: 'write',
    params: InProvider,
    body: ProviderBody,
    response: AssistantProvider,
    problems: ['session_needed', 'provider_not_found'],
  }),
  deleteProvider: endpoint({
    ...common,
    method: 'DELETE',
    path: `${base}/providers/{provider_id}`,
    summary: 'Remove a model provider, with its key',
    effect: 'write',
    params: InProvider,
    status: 204,
    response: z.undefined(),
    problems: ['session_needed', 'provider_not_found'],
  }),
  testProvider: endpoint({
    ...common,
    method: 'POST',
    path: `${base}/providers/test`,
    summary: 'Test a model provider, stored or not, and report each step',
    effect: 'write',
    limit: 'connect',
    body: z.strictObject({ provider_id: providerId.optional(), provider: ProviderBody.optional() }),
    response: ProviderTest,
    problems: ['session_needed', 'provider_not_found'],
  }),
  listModels: endpoint({
    ...common,
    method: 'POST',
    path: `${base}/providers/models`,
    summary: 'List the models that a provider reports',
    effect: 'read',
    limit: 'connect',
    body: z.strictObject({ provider_id: providerId.optional(), provider: ProviderBody.optional() }),
    response: z.object({
      items: z.array(z.object({ id: z.string(), context_tokens: z.int().nullable() })).max(assistantBounds.models),
    }),
    problems: [
      'session_needed',
      'provider_not_found',
      'address_refused',
      'provider_failed',
      'provider_timeout',
      'provider_limited',
    ],
  }),
}

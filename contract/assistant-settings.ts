/** Settings of the assistant: model providers in the order in which they are tried, limits, and what of whose mail may go to which of them. */
import { z } from 'zod'
import { endpoint } from './endpoint.ts'
import { AccountId, line, secret } from './wire.ts'

export const assistantBounds = { providers: 20, models: 500 } as const

export const ProviderKind = z.enum([
  'rig',
  'openai',
  'openrouter',
  'anthropic',
  'gemini',
  'mistral',
  'azure',
  'ollama',
  'openai_compatible',
])
export type ProviderKind = z.infer<typeof ProviderKind>

const providerId = z.string().regex(/^[a-z0-9_-]{1,40}$/, 'is not an id of a provider')

/** None: the provider is told that there is mail, and nothing of it. Headers: senders, recipients, subjects, dates and flags. */
export const MailShare = z.enum(['none', 'headers', 'text'])
export type MailShare = z.infer<typeof MailShare>

const price = z.number().min(0).max(10_000).nullable()

export const ProviderBody = z
  .strictObject({
    kind: ProviderKind,
    name: line.trim().min(1).max(60),
    enabled: z.boolean().default(true),
    base_url: z.string().trim().max(500).nullable().default(null).describe("The provider's own unless given"),
    api_key: secret(z.string().trim().min(1).max(1_000))
      .optional()
      .describe('Sealed; no answer has it. Left out: as it was'),
    model: z.string().trim().max(200).nullable().default(null),
    is_local: z.boolean().default(false).describe('What it is sent stays on this machine or in your own network'),
    context_tokens: z.int().min(1_000).max(10_000_000).default(32_000),
    price_input: price.default(null).describe('US dollars for a million tokens'),
    price_output: price.default(null),
    mail: MailShare.default('none').describe('Of accounts that have no word of their own'),
  })
  .meta({ id: 'ProviderBody' })
export type ProviderBody = z.infer<typeof ProviderBody>

export const AssistantProvider = z
  .object({
    id: providerId,
    kind: ProviderKind,
    name: z.string(),
    enabled: z.boolean(),
    base_url: z.string().nullable(),
    has_key: z.boolean(),
    model: z.string().nullable(),
    is_local: z.boolean(),
    context_tokens: z.int(),
    price_input: price,
    price_output: price,
    mail: MailShare,
    source: z
      .enum(['environment', 'page'])
      .describe('What the environment sets (kind, name, address, key and model) is changed only there'),
    state: z.enum(['ready', 'resting', 'limited', 'off']),
    last_fault: z.string().nullable(),
  })
  .meta({ id: 'AssistantProvider' })
export type AssistantProvider = z.infer<typeof AssistantProvider>

export const AssistantLimits = z
  .strictObject({
    temperature: z.number().min(0).max(2).nullable().describe("null: the model's own"),
    max_output_tokens: z.int().min(100).max(100_000),
    max_steps: z.int().min(1).max(50).describe('Rounds of tools in one answer'),
    max_seconds: z.int().min(10).max(600).describe('Of one answer, without waiting for a human'),
    conversation_tokens: z.int().min(1_000).max(100_000_000),
    conversation_cost_usd: z.number().min(0).max(10_000).nullable(),
    principal_tokens_per_day: z.int().min(1_000).max(1_000_000_000),
    principal_cost_usd_per_day: z.number().min(0).max(10_000).nullable(),
    retention_days: z.int().min(1).max(3_650).describe('Conversations that were not touched for so long are deleted'),
  })
  .meta({ id: 'AssistantLimits' })
export type AssistantLimits = z.infer<typeof AssistantLimits>

export const MailShareRule = z.object({ account_id: AccountId, provider_id: providerId, share: MailShare })

export const AssistantSettings = z
  .object({
    providers: z.array(AssistantProvider).describe('In the order in which they are tried'),
    limits: AssistantLimits,
    shares: z.array(MailShareRule).describe('Where an account has its own word for a provider'),
  })
  .meta({ id: 'AssistantSettings' })
export type AssistantSettings = z.infer<typeof AssistantSettings>

export const ProviderTest = z
  .object({
    ok: z.boolean(),
    steps: z.array(
      z.object({
        name: z.enum(['address', 'connect', 'key', 'model', 'answer', 'tools']),
        ok: z.boolean(),
        detail: z.string(),
        duration_ms: z.number(),
      }),
    ),
    networks: z.array(z.string()).optional().describe('Private ones that an administrator would have to allow'),
  })
  .meta({ id: 'ProviderTest' })
export type ProviderTest = z.infer<typeof ProviderTest>

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
    summary: 'Change the order of providers, limits, and what of whose mail they may be sent',
    effect: 'write',
    body: z.strictObject({
      order: z.array(providerId).max(assistantBounds.providers).optional(),
      limits: AssistantLimits.optional(),
      shares: z.array(MailShareRule).max(2_000).optional(),
    }),
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
    summary: 'Try a provider that is stored, or not yet, and say step by step what failed',
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
    summary: 'List the models that a provider offers, as it says',
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

/** A model provider of the assistant: its settings, its health, and the result of a test. */
import { z } from 'zod'
import { secret, typedLine } from './wire.ts'

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

export const providerId = z.string().regex(/^[a-z0-9_-]{1,40}$/, 'is not an id of a provider')

/** `nothing`: the provider only learns that mail exists. `headers`: senders, recipients, subjects, dates and flags. */
export const MailShare = z.enum(['none', 'headers', 'text'])
export type MailShare = z.infer<typeof MailShare>

export const price = z.number().min(0).max(10_000).nullable()

export const ProviderBody = z
  .strictObject({
    kind: ProviderKind,
    name: typedLine.trim().min(1).max(60),
    enabled: z.boolean().default(true),
    base_url: z.string().trim().max(500).nullable().default(null).describe("Default: the provider's own address"),
    api_key: secret(z.string().trim().min(1).max(1_000))
      .optional()
      .describe('Stored encrypted and never returned. If omitted, unchanged'),
    model: z.string().trim().max(200).nullable().default(null),
    is_local: z.boolean().default(false).describe('Requests stay on this machine or in your own network'),
    context_tokens: z.int().min(1_000).max(10_000_000).default(32_000),
    price_input: price.default(null).describe('US dollars per million tokens'),
    price_output: price.default(null),
    mail: MailShare.default('none').describe('Default for accounts without their own setting'),
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
    networks: z.array(z.string()).optional().describe('Private addresses that an administrator would have to allow'),
  })
  .meta({ id: 'ProviderTest' })
export type ProviderTest = z.infer<typeof ProviderTest>

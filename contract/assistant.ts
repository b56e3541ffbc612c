/** The chatbot: one question, one answer, whole or streamed as parts. */
import { z } from 'zod'
import { endpoint } from './endpoint.ts'
import { ProblemBody } from './problem-body.ts'

export const Usage = z.object({ input_tokens: z.int().nullable(), output_tokens: z.int().nullable() })

export const ChatbotQuery = z
  .strictObject({
    query: z.string().trim().min(1).max(20_000).describe('A single question; no conversation is kept'),
  })
  .meta({ id: 'ChatbotQuery' })
export type ChatbotQuery = z.infer<typeof ChatbotQuery>

export const ChatbotResponse = z
  .object({
    response: z.string(),
    provider: z.string(),
    model: z.string().nullable(),
    tool_calls: z.array(z.object({ name: z.string() })),
    usage: Usage.nullable(),
  })
  .meta({ id: 'ChatbotResponse' })
export type ChatbotResponse = z.infer<typeof ChatbotResponse>

/** What the streamed answer consists of; each is the `data` of one server-sent event named like its `type`. */
export const ChatbotPart = z
  .discriminatedUnion('type', [
    z.object({
      type: z.literal('start'),
      provider: z.string(),
      model: z.string().nullable(),
    }),
    z.object({ type: z.literal('text_delta'), text: z.string() }),
    z.object({ type: z.literal('finish'), result: ChatbotResponse }),
    z.object({ type: z.literal('error'), problem: ProblemBody }),
  ])
  .meta({ id: 'ChatbotPart' })
export type ChatbotPart = z.infer<typeof ChatbotPart>

export const ChatProviders = z.object({
  items: z
    .array(z.object({ id: z.string(), provider: z.string(), model: z.string().nullable(), is_local: z.boolean() }))
    .describe('In the order in which they are tried'),
})

export const assistantApi = {
  queryChatbot: endpoint({
    method: 'POST',
    path: '/api/dashboard/chatbot/query',
    tag: 'Assistant',
    summary: 'Ask the assistant',
    description: 'With `Accept: text/event-stream` the answer streams as `start`, `text_delta`, `finish` or `error`.',
    scope: 'dashboard:operate',
    limit: 'assistant',
    effect: 'write',
    body: ChatbotQuery,
    // A question of 20,000 characters in a script that a client writes as \uXXXX.
    bodyLimit: 128 * 1024,
    response: ChatbotResponse,
    problems: ['no_model_configured', 'provider_failed', 'provider_limited', 'provider_timeout', 'overloaded'],
    stream: 'accepted',
    part: ChatbotPart,
  }),
  listProviders: endpoint({
    method: 'GET',
    path: '/api/dashboard/chatbot/providers',
    tag: 'Assistant',
    summary: 'List the configured model providers, in the order in which they are tried',
    scope: 'dashboard:read',
    effect: 'read',
    response: ChatProviders,
  }),
}

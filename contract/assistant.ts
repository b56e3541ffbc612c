/** The assistant: a question, whose answer is returned complete or streamed as parts, and the configured models. */
import { z } from 'zod'
import { ChatbotPart, ChatbotQuery, ChatbotResponse } from './answers.ts'
import { endpoint } from './endpoint.ts'

export { ChatbotPart, ChatbotQuery, ChatbotResponse }

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
    description:
      'Responds when the answer is complete, or waits for a person’s decision. With `Accept: text/event-stream` it streams as parts, from `start` to `finish` or `error`. The answer continues if the client disconnects: it is stored in the conversation, and `followAnswer` streams it from any part on.',
    scope: 'dashboard:operate',
    limit: 'assistant',
    effect: 'write',
    body: ChatbotQuery,
    // Large enough for a question of 20,000 characters that a client escapes as \uXXXX.
    bodyLimit: 128 * 1024,
    response: ChatbotResponse,
    problems: [
      'not_found',
      'not_possible_now',
      'no_model_configured',
      'provider_failed',
      'provider_limited',
      'provider_timeout',
      'overloaded',
    ],
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

/** Conversations with the assistant: listed, read, renamed, deleted, exported, and their answers followed, stopped and decided on. */
import { z } from 'zod'
import { AnswerState, AssistantAnswer, answerId, ChatbotPart, conversationBounds } from './answers.ts'
import { endpoint } from './endpoint.ts'
import { Cursor, digits, Limit, Timestamp, typedLine } from './wire.ts'

export const ConversationSummary = z
  .object({
    id: answerId,
    title: z.string().max(conversationBounds.title),
    created_at: Timestamp,
    updated_at: Timestamp,
    answers: z.int(),
    state: z.enum(['idle', 'running', 'waiting']),
    tokens: z.int().describe('Tokens of the whole conversation'),
    cost_usd: z.number().nullable(),
  })
  .meta({ id: 'ConversationSummary' })
export type ConversationSummary = z.infer<typeof ConversationSummary>

export const Conversation = ConversationSummary.extend({ items: z.array(AssistantAnswer) }).meta({ id: 'Conversation' })
export type Conversation = z.infer<typeof Conversation>

const InConversation = z.object({ conversation_id: answerId })
const InAnswer = InConversation.extend({ answer_id: answerId })
const InCall = InAnswer.extend({ call_id: answerId })
const base = '/api/dashboard/chatbot/conversations'
const common = { tag: 'Assistant', scope: 'dashboard:operate' } as const

/** Sent only to sessions of the same person, or to streams of the same token. */
export const conversationStates = {
  conversation_changed: {
    scope: 'dashboard:operate',
    data: z.object({
      conversation_id: answerId,
      answer_id: answerId,
      state: AnswerState,
      at: Timestamp,
    }),
  },
} as const

export const conversationsApi = {
  listConversations: endpoint({
    ...common,
    method: 'GET',
    path: base,
    summary: 'List your conversations, newest first',
    effect: 'read',
    query: z.strictObject({
      q: z.string().trim().max(200).optional().describe('Words to search for in titles, questions and answers'),
      limit: Limit,
      cursor: Cursor,
    }),
    response: z.object({ items: z.array(ConversationSummary), next_cursor: z.string().nullable() }),
  }),
  getConversation: endpoint({
    ...common,
    method: 'GET',
    path: `${base}/{conversation_id}`,
    summary: 'Get a conversation with all of its answers',
    effect: 'read',
    params: InConversation,
    response: Conversation,
    problems: ['not_found'],
  }),
  renameConversation: endpoint({
    ...common,
    method: 'PATCH',
    path: `${base}/{conversation_id}`,
    summary: 'Rename a conversation',
    effect: 'write',
    params: InConversation,
    body: z.strictObject({ title: typedLine.trim().min(1).max(conversationBounds.title) }),
    response: ConversationSummary,
    problems: ['not_found'],
  }),
  deleteConversation: endpoint({
    ...common,
    method: 'DELETE',
    path: `${base}/{conversation_id}`,
    summary: 'Delete a conversation; a running answer is stopped',
    effect: 'write',
    params: InConversation,
    status: 204,
    response: z.undefined(),
    problems: ['not_found'],
  }),
  exportConversation: endpoint({
    ...common,
    method: 'GET',
    path: `${base}/{conversation_id}/export`,
    summary: 'Export a conversation as Markdown',
    effect: 'read',
    params: InConversation,
    response: z.object({ file_name: z.string(), markdown: z.string() }),
    problems: ['not_found'],
  }),
  followAnswer: endpoint({
    ...common,
    method: 'GET',
    path: `${base}/{conversation_id}/answers/{answer_id}/parts`,
    summary: 'Follow an answer: stream all parts after a number, then new ones, until it ends',
    effect: 'read',
    params: InAnswer,
    query: z.strictObject({
      after: digits.transform(Number).default(0),
    }),
    response: z.string(),
    headers: [
      {
        name: 'Last-Event-ID',
        description: 'Number of the last part read; takes precedence over `after`',
        example: '12',
      },
    ],
    problems: ['not_found', 'too_many_streams'],
    stream: 'always',
    part: ChatbotPart,
  }),
  stopAnswer: endpoint({
    ...common,
    method: 'POST',
    path: `${base}/{conversation_id}/answers/{answer_id}/stop`,
    summary: 'Stop an answer; its text so far is kept',
    effect: 'write',
    params: InAnswer,
    response: AssistantAnswer,
    problems: ['not_found'],
  }),
  decideToolCall: endpoint({
    ...common,
    method: 'POST',
    path: `${base}/{conversation_id}/answers/{answer_id}/calls/{call_id}/decision`,
    summary: 'Allow or decline one waiting tool call of the assistant',
    description:
      'Only a person decides. The hash binds the decision to the input that was shown. The answer then continues.',
    effect: 'write',
    callers: 'session',
    params: InCall,
    body: z.strictObject({
      decision: z.enum(['allow', 'decline']),
      input_hash: z.string().regex(/^[0-9a-f]{64}$/, 'is not a hash'),
    }),
    response: AssistantAnswer,
    problems: ['not_found', 'approval_void', 'not_possible_now', 'overloaded', 'session_needed'],
  }),
}

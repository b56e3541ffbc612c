/** Answers of the assistant: the question, the streamed parts, tool calls with their outcomes, and the provider that answered. */
import { z } from 'zod'
import { ProblemBody } from './problem-body.ts'
import { AccountId, Timestamp } from './wire.ts'

export const conversationBounds = {
  /** Conversations of one principal; beyond the bound the oldest is evicted. */
  kept: 500,
  /** Questions in one conversation. */
  messages: 400,
  title: 120,
  /** Characters of text in one answer. */
  answer: 200_000,
  /** Characters of the input and of the result of one tool call, as stored and shown. */
  input: 16_000,
  /** Characters of a call's summary, which names all recipients and files of a message. */
  summary: 16_000,
  result: 64_000,
} as const

export const answerId = z.string().regex(/^[A-Za-z0-9_-]{1,40}$/, 'is not an id')

export const AnswerUsage = z
  .object({ input_tokens: z.int().nullable(), output_tokens: z.int().nullable() })
  .describe('Tokens as counted by the provider, over all steps')

/** A link to the source of a statement: a message, a chart with its range, a row of the audit trail. */
export const Citation = z
  .object({
    kind: z.enum(['message', 'thread', 'chart', 'audit', 'account', 'client', 'alert', 'draft', 'outbox']),
    label: z.string().max(200),
    href: z.string().max(1_000).describe('A path on this server'),
  })
  .meta({ id: 'Citation' })
export type Citation = z.infer<typeof Citation>

/** A provider that was tried before, and why it failed. */
export const ProviderAttempt = z
  .object({ provider: z.string(), model: z.string().nullable(), code: z.string(), detail: z.string() })
  .meta({ id: 'ProviderAttempt' })
export type ProviderAttempt = z.infer<typeof ProviderAttempt>

export const ToolCallOutcome = z
  .enum(['running', 'waiting', 'ok', 'refused', 'failed', 'declined', 'expired', 'stopped'])
  .describe(
    '`waiting`: for a human’s decision; `refused`: by a rule, or because of its input; `failed`: with an internal error; `stopped`: together with the answer',
  )

export const AssistantToolCall = z
  .object({
    id: answerId,
    name: z.string(),
    title: z.string(),
    effect: z.enum(['read', 'write', 'send', 'destroy']),
    input: z.unknown().describe('Input as requested by the model; bounded'),
    input_hash: z.string().describe('SHA-256 of the exact input, in hexadecimal; a decision repeats it'),
    summary: z.string().max(conversationBounds.summary).describe('What the call does or did, in words').nullable(),
    outcome: ToolCallOutcome,
    result: z
      .string()
      .max(conversationBounds.result)
      .nullable()
      .describe('The result, as far as the person may see it'),
    withheld: z
      .enum(['all', 'part'])
      .optional()
      .describe(
        'Whether all or part of the result was withheld from the model, since its provider may not be sent this mail',
      ),
    citations: z.array(Citation).max(100),
    duration_ms: z.number().nullable(),
    expires_at: Timestamp.nullable().describe('Deadline for a human’s decision; without one, the call is not executed'),
  })
  .meta({ id: 'AssistantToolCall' })
export type AssistantToolCall = z.infer<typeof AssistantToolCall>

export const AnswerState = z.enum(['running', 'waiting', 'done', 'stopped', 'failed'])
export type AnswerState = z.infer<typeof AnswerState>

/** Text and tool calls in their order. */
export const AnswerBlock = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text'), text: z.string() }),
  z.object({ type: z.literal('tool_call'), call: AssistantToolCall }),
])
export type AnswerBlock = z.infer<typeof AnswerBlock>

export const AssistantAnswer = z
  .object({
    id: answerId,
    question: z.string(),
    asked_at: Timestamp,
    state: AnswerState,
    blocks: z.array(AnswerBlock),
    provider: z.string().nullable(),
    model: z.string().nullable(),
    attempts: z.array(ProviderAttempt),
    usage: AnswerUsage.nullable(),
    cost_usd: z.number().nullable().describe('null if no price is set for the model'),
    problem: ProblemBody.nullable(),
    last_seq: z.int().describe('Number of the last part'),
  })
  .meta({ id: 'AssistantAnswer' })
export type AssistantAnswer = z.infer<typeof AssistantAnswer>

/**
 * What the streamed answer consists of; each is the `data` of one server-sent event named like its `type`, whose `id` is `seq`. `seq`
 * is dense from 1 in each answer, so that a reader can come back with the last that it has.
 */
export const ChatbotPart = z
  .discriminatedUnion('type', [
    z.object({ type: z.literal('start'), seq: z.int(), conversation_id: answerId, answer_id: answerId }),
    z.object({ type: z.literal('attempt'), seq: z.int(), attempt: ProviderAttempt }),
    z.object({ type: z.literal('model'), seq: z.int(), provider: z.string(), model: z.string().nullable() }),
    z.object({ type: z.literal('text_delta'), seq: z.int(), text: z.string() }),
    z.object({ type: z.literal('tool_call'), seq: z.int(), call: AssistantToolCall }),
    z.object({ type: z.literal('tool_result'), seq: z.int(), call: AssistantToolCall }),
    z.object({ type: z.literal('usage'), seq: z.int(), usage: AnswerUsage, cost_usd: z.number().nullable() }),
    z.object({ type: z.literal('finish'), seq: z.int(), state: AnswerState, result: z.lazy(() => ChatbotResponse) }),
    z.object({ type: z.literal('error'), seq: z.int(), problem: ProblemBody }),
  ])
  .meta({ id: 'ChatbotPart' })
export type ChatbotPart = z.infer<typeof ChatbotPart>

/** What the user is looking at when asking; at most one id of each kind. */
export const QuestionContext = z
  .strictObject({
    path: z.string().max(500),
    account_id: AccountId.optional(),
    message_id: z.string().max(200).optional(),
    thread_id: z.string().max(200).optional(),
    draft_id: z.string().max(200).optional(),
  })
  .describe('What the user is looking at')
export type QuestionContext = z.infer<typeof QuestionContext>

export const ChatbotQuery = z
  .strictObject({
    query: z.string().trim().min(1).max(20_000),
    conversation_id: answerId.optional().describe('Continues this conversation; a new one begins without it'),
    provider: z.string().max(60).optional().describe('Id of the provider that is tried first'),
    retry_of: answerId.optional().describe('Id of the conversation’s last answer, which this one replaces'),
    context: QuestionContext.optional(),
  })
  .meta({ id: 'ChatbotQuery' })
export type ChatbotQuery = z.infer<typeof ChatbotQuery>

export const ChatbotResponse = z
  .object({
    response: z.string(),
    conversation_id: answerId,
    answer_id: answerId,
    provider: z.string(),
    model: z.string().nullable(),
    tool_calls: z.array(AssistantToolCall).describe('Calls that are `waiting` need a decision'),
    attempts: z.array(ProviderAttempt),
    usage: AnswerUsage.nullable(),
    cost_usd: z.number().nullable(),
  })
  .meta({ id: 'ChatbotResponse' })
export type ChatbotResponse = z.infer<typeof ChatbotResponse>

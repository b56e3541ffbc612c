/** Parts of an answer as stored: what readers are sent, and for tool results also what of them each model may see. */
import type { z } from 'zod'
import type {
  AnswerBlock,
  AnswerState,
  AnswerUsage,
  AssistantAnswer,
  AssistantToolCall,
  ChatbotPart,
  ProviderAttempt,
} from '../../contract/answers.ts'
import type { MailShare } from '../../contract/model-provider.ts'
import type { ProblemBody } from '../../contract/problem-body.ts'
import type { Scope } from '../../contract/scope.ts'
import type { AnswerRow } from './conversation-tables.ts'

/** The share of one account in a tool result. */
export interface Slice {
  account: string
  /** The result without texts, snippets and attachments. */
  headers: string
  /** Undefined if the result belongs to this account alone; then it is the result itself. */
  text?: string
}

export interface ModelResult {
  /** Empty if the result contains no mail. */
  slices: Slice[]
  isError: boolean
}

/** The rights required to see it; all of them are needed. */
export interface Needs {
  /** `all`: it counts or lists what requires access to every account. */
  accounts: 'all' | readonly string[]
  scopes: readonly Scope[]
}

/** A call with the fields that are stored only for models. */
export type KeptCall = AssistantToolCall & {
  told?: ModelResult
  /** The step of the answer in which the model requested it. */
  step?: number
  /** The rights required to see its result. */
  needs?: Needs
}

type Kept<Part> = Part extends { call: AssistantToolCall } ? Omit<Part, 'call'> & { call: KeptCall } : Part
export type KeptPart = Kept<ChatbotPart>
export type NewPart = KeptPart extends infer Part ? (Part extends KeptPart ? Omit<Part, 'seq'> : never) : never

/** The accounts whose mail a text may repeat, each with how much of it was shared when it was written. */
export type Shares = Record<string, Exclude<MailShare, 'none'>>

export type KeptBlock =
  | { type: 'text'; text: string; by: string | null; shares: Shares }
  | { type: 'tool_call'; call: KeptCall; shares: Shares }

/** The stored facts of an answer, beside its parts. */
export interface AnswerFacts {
  provider: string | null
  model: string | null
  /** The id of the model that gave the last step. */
  modelId: string | null
  usage: z.infer<typeof AnswerUsage> | null
  /** Tokens that count towards limits, estimated if the provider does not report them. */
  tokens: number
  costUsd: number | null
  problem: ProblemBody | null
  attempts: ProviderAttempt[]
  lastSeq: number
  steps: number
  /** Working time in ms, without waiting for a person. */
  spentMs: number
  /** The most of the mail that any model that answered was sent. */
  shares: Shares
  /** The rights required to see its text, which may repeat tool results of this answer and earlier ones. */
  needs?: Needs | undefined
}

export const newFacts = (): AnswerFacts => ({
  ...{ provider: null, model: null, modelId: null, usage: null, tokens: 0, costUsd: null, problem: null },
  ...{ attempts: [], lastSeq: 0, steps: 0, spentMs: 0, shares: {} },
})

/** Returns what readers are sent of a part. */
export function toPart(part: KeptPart): ChatbotPart {
  if (!('call' in part)) return part
  return { ...part, call: toCall(part.call) }
}

export function toCall({ told: _told, step: _step, needs: _needs, ...call }: KeptCall): AssistantToolCall {
  return call
}

/**
 * Adds a part to the blocks.
 * @param by The id of the model that says it; null for words of the server.
 */
export function addPart(blocks: KeptBlock[], part: NewPart, by: string | null, shares: Shares): void {
  if (part.type === 'text_delta') {
    const last = blocks.at(-1)
    if (last?.type === 'text' && last.by === by) last.text += part.text
    else blocks.push({ type: 'text', text: part.text, by, shares: { ...shares } })
  }
  if (part.type !== 'tool_call' && part.type !== 'tool_result') return
  const known = blocks.findIndex(block => block.type === 'tool_call' && block.call.id === part.call.id)
  const block: KeptBlock = { type: 'tool_call', call: part.call, shares: { ...shares } }
  if (known < 0) blocks.push(block)
  else blocks[known] = { ...block, shares: blocks[known]!.shares }
}

/** Returns the blocks of a stored answer. @param shares Those of the whole answer. */
export function blocksOf(parts: readonly KeptPart[], shares: Shares): KeptBlock[] {
  const blocks: KeptBlock[] = []
  for (const part of parts) addPart(blocks, part, null, shares)
  return blocks
}

/** Returns the accounts whose mail the blocks contain. */
export function accountsIn(blocks: readonly KeptBlock[]): string[] {
  return blocks.flatMap(block =>
    block.type === 'tool_call' ? (block.call.told?.slices ?? []).map(({ account }) => account) : [],
  )
}

export function textOf(blocks: readonly KeptBlock[]): string {
  return blocks
    .flatMap(block => (block.type === 'text' && block.text.trim() !== '' ? [block.text.trim()] : []))
    .join('\n\n')
}

export function toAnswer(row: AnswerRow, blocks: readonly KeptBlock[], facts: AnswerFacts): AssistantAnswer {
  const shown = blocks.map(
    (block): AnswerBlock =>
      block.type === 'text' ? { type: 'text', text: block.text } : { type: 'tool_call', call: toCall(block.call) },
  )
  return {
    id: row.id,
    question: row.question,
    asked_at: row.asked_at,
    state: row.state as AnswerState,
    blocks: shown,
    provider: facts.provider,
    model: facts.model,
    attempts: facts.attempts,
    usage: facts.usage,
    cost_usd: facts.costUsd,
    problem: facts.problem,
    last_seq: facts.lastSeq,
  }
}

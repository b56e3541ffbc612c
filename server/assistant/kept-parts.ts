/** Parts of an answer as they are kept: what its readers are sent, and beside a result of a tool, what of it which model may be told. */
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

/** What one account is behind, of a result. */
export interface Slice {
  account: string
  /** Without texts, snippets and attachments. */
  headers: string
  /** Left out where the result is of this account alone: then it is the result itself. */
  text?: string
}

export interface Told {
  /** None: nothing in it is mail. */
  slices: Slice[]
  isError: boolean
}

/** What one has to be allowed to see it: all of it. */
export interface Needs {
  /** `all`: it counts or lists what only those see who see every account. */
  accounts: 'all' | readonly string[]
  scopes: readonly Scope[]
}

/** A call with what is kept of it for models alone. */
export type KeptCall = AssistantToolCall & {
  told?: Told
  /** In which step of the answer the model asked for it. */
  step?: number
  /** To be shown its result. */
  needs?: Needs
}

type Kept<Part> = Part extends { call: AssistantToolCall } ? Omit<Part, 'call'> & { call: KeptCall } : Part
export type KeptPart = Kept<ChatbotPart>
export type NewPart = KeptPart extends infer Part ? (Part extends KeptPart ? Omit<Part, 'seq'> : never) : never

/** Of which accounts a text may repeat mail, and how much of it was told when it was written. */
export type Shares = Record<string, Exclude<MailShare, 'none'>>

export type KeptBlock =
  | { type: 'text'; text: string; by: string | null; shares: Shares }
  | { type: 'tool_call'; call: KeptCall; shares: Shares }

/** Of an answer, beside its parts. */
export interface AnswerFacts {
  provider: string | null
  model: string | null
  /** Id of the model that gave the last step. */
  modelId: string | null
  usage: z.infer<typeof AnswerUsage> | null
  /** As they count towards limits: estimated where the provider does not say. */
  tokens: number
  costUsd: number | null
  problem: ProblemBody | null
  attempts: ProviderAttempt[]
  lastSeq: number
  steps: number
  /** Without waiting for a person. */
  spentMs: number
  /** The most that a model that spoke was told of mail. */
  shares: Shares
  /** To be shown what it says, which may repeat what tools found for it or for answers before it. */
  needs?: Needs | undefined
}

export const newFacts = (): AnswerFacts => ({
  ...{ provider: null, model: null, modelId: null, usage: null, tokens: 0, costUsd: null, problem: null },
  ...{ attempts: [], lastSeq: 0, steps: 0, spentMs: 0, shares: {} },
})

/** What is sent of a part. */
export function toPart(part: KeptPart): ChatbotPart {
  if (!('call' in part)) return part
  return { ...part, call: toCall(part.call) }
}

export function toCall({ told: _told, step: _step, needs: _needs, ...call }: KeptCall): AssistantToolCall {
  return call
}

/** Takes a part into the blocks. @param by Id of the model that says it; null for words of the server. */
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

/** Of a stored answer. @param shares Of all of it. */
export function blocksOf(parts: readonly KeptPart[], shares: Shares): KeptBlock[] {
  const blocks: KeptBlock[] = []
  for (const part of parts) addPart(blocks, part, null, shares)
  return blocks
}

/** Accounts whose mail the blocks contain. */
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

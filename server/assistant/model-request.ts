/**
 * Builds the request to a model: question, history and tool results, with mail of each account as far as this model may
 * see it. Built per model, since another one may continue in the middle.
 */

import type { QuestionContext } from '../../contract/answers.ts'
import type { MailShare } from '../../contract/model-provider.ts'
import { Problem } from '../platform/problem.ts'
import type { ChatModel, ChatRequest, Message, OfferedTool, ToolRequest } from './chat-model.ts'
import type { KeptBlock, KeptCall, Needs, Shares } from './kept-parts.ts'

/** A question and its answer. */
export interface Turn {
  question: string
  context: QuestionContext | null
  blocks: readonly KeptBlock[]
  needs?: Needs | undefined
}

export interface KeptSummary {
  /** The id of the last answer that it covers. */
  upTo: string
  text: string
  shares: Shares
  needs?: Needs | undefined
}

export interface ModelRequestOptions {
  model: ChatModel
  share(accountId: string): MailShare
  system: string
  summary: KeptSummary | undefined
  /** Turns, oldest first; the last is in progress. */
  turns: readonly Turn[]
  /** True if older turns are in no summary. */
  isCut?: boolean
  tools: readonly OfferedTool[]
  maxOutputTokens: number
  temperature: number | null
}

const perToken = 4
/** Share of a model's context that one tool result may fill. */
const resultPart = 0.3
const dropped = '[This was left out, since the conversation has become too long.]'
const rank: Record<MailShare, number> = { none: 0, headers: 1, text: 2 }

export function tokensIn(value: unknown): number {
  return Math.ceil((typeof value === 'string' ? value : JSON.stringify(value)).length / perToken)
}

/** Returns a Problem if the question alone is too long for the model. */
export function buildModelRequest(options: ModelRequestOptions): Omit<ChatRequest, 'signal'> | Problem {
  const { model, tools, maxOutputTokens, temperature } = options
  const offered = model.takesTools ? tools : []
  const output = Math.min(maxOutputTokens, Math.floor(model.contextTokens / 2))
  const room = model.contextTokens - output - tokensIn(offered)
  const turns = options.turns.map(turn => messagesOf(turn, options, Math.floor(model.contextTokens * resultPart)))
  const head: Message[] = [{ role: 'system', content: options.system }, ...summaryOf(options)]
  const fitting = withRoom(head, turns, room, options.isCut ?? false)
  if (!fitting) {
    return new Problem(
      'provider_failed',
      `${model.provider} reads ${model.contextTokens} tokens, and the question is longer.`,
    )
  }
  return {
    messages: fitting,
    ...(offered.length > 0 && { tools: offered }),
    maxOutputTokens: output,
    ...(temperature !== null && { temperature }),
  }
}

function summaryOf({ summary, share }: ModelRequestOptions): Message[] {
  if (!summary) return []
  const text = isShared(summary.shares, share) ? summary.text : notRepeated
  return [{ role: 'system', content: `What was said before, summed up:\n${text}` }]
}

/** Drops the oldest results first, then the oldest turns, and the current turn last of all. */
function withRoom(
  head: readonly Message[],
  turns: readonly (readonly Message[])[],
  room: number,
  wasCut: boolean,
): Message[] | undefined {
  const kept = turns.map(turn => [...turn])
  const size = () => [...head, ...kept.flat()].reduce((sum, message) => sum + tokensIn(message), 0)
  let left = size()
  let isCut = wasCut
  const now = kept.length - 1
  for (const turn of kept.slice(0, -1)) {
    for (const [place, message] of turn.entries()) {
      if (left <= room) break
      if (message.role !== 'tool' || message.content.length <= dropped.length) continue
      left -= tokensIn(message.content) - tokensIn(dropped)
      turn[place] = { ...message, content: dropped }
      isCut = true
    }
  }
  while (left > room && kept.length > 1) {
    kept.shift()
    isCut = true
    left = size()
  }
  for (const [place, message] of (turns.length > 0 ? kept[kept.length - 1]! : []).entries()) {
    if (left <= room) break
    if (message.role !== 'tool' || message.content.length <= dropped.length) continue
    left -= tokensIn(message.content) - tokensIn(dropped)
    kept[kept.length - 1]![place] = { ...message, content: dropped }
    isCut = true
  }
  if (left > room || now < 0) return undefined
  const note: Message[] = isCut
    ? [{ role: 'system', content: 'Earlier parts of this conversation were left out; say so where that matters.' }]
    : []
  return [...head, ...note, ...kept.flat()]
}

function messagesOf(turn: Turn, options: ModelRequestOptions, resultTokens: number): Message[] {
  const { model, share } = options
  const messages: Message[] = [{ role: 'user', content: questionOf(turn) }]
  let text = ''
  let calls: KeptCall[] = []
  let mayRepeat = true
  const flush = () => {
    if (text === '' && calls.length === 0) return
    if (!model.takesTools) {
      if (text.trim() !== '') messages.push({ role: 'assistant', content: text })
    } else {
      const toolCalls = calls.map(
        ({ id, name, input }): ToolRequest => ({ id, name, input: mayRepeat ? (input ?? {}) : {} }),
      )
      messages.push({ role: 'assistant', content: text, ...(toolCalls.length > 0 && { toolCalls }) })
      for (const call of calls) {
        const content = resultOf(call, share).slice(0, resultTokens * perToken)
        const isError = call.told?.isError ?? call.outcome !== 'ok'
        messages.push({ role: 'tool', callId: call.id, name: call.name, content, isError })
      }
    }
    text = ''
    calls = []
    mayRepeat = true
  }
  for (const block of turn.blocks) {
    const isRepeated = isShared(block.shares, share)
    if (block.type === 'text') {
      if (calls.length > 0) flush()
      text += isRepeated ? block.text : notRepeated
    } else {
      // Calls of one step stay together, as the model requested them.
      if (calls.length > 0 && calls[0]?.step !== block.call.step) flush()
      mayRepeat &&= isRepeated
      calls.push(block.call)
    }
  }
  flush()
  return messages
}

const notRepeated = '[What was said here used mail that is not shared with this provider.]'

/** Returns true if the model may see all mail that a text may repeat. */
function isShared(shares: Shares, share: (accountId: string) => MailShare): boolean {
  return Object.entries(shares).every(([account, told]) => rank[share(account)] >= rank[told])
}

function resultOf({ outcome, result, told }: KeptCall, share: (accountId: string) => MailShare): string {
  if (outcome === 'declined') return 'The person declined this call. Do not ask for it again.'
  if (outcome === 'expired') return 'Nobody decided about this call in time, so it was not done.'
  if (outcome === 'waiting') return 'This waits for a decision of the person.'
  if (result === null) return 'The answer was stopped before this call had a result.'
  const slices = told?.slices ?? []
  if (slices.every(({ account }) => share(account) === 'text')) return result
  return slices
    .map(({ account, headers, text = result }) => {
      const may = share(account)
      if (may === 'none') return `Mail of the account ${account} is not shared with this provider.`
      if (may === 'text') return text
      return `${headers}\nOf the account ${account}, texts and attachments are not shared with this provider.`
    })
    .join('\n')
}

function questionOf({ question, context }: Turn): string {
  if (!context) return question
  const { path, account_id: account, message_id: message, thread_id: thread, draft_id: draft } = context
  const named = (id: string) => (account === undefined || id.includes('.') ? id : `${account}.${id}`)
  const shown = [
    `page ${path}`,
    ...(account === undefined ? [] : [`account ${account}`]),
    ...(message === undefined ? [] : [`message, ref ${named(message)}`]),
    ...(thread === undefined ? [] : [`thread ${named(thread)}`]),
    ...(draft === undefined ? [] : [`draft ${named(draft)}`]),
  ]
  return `${question}\n\n[Asked from: ${shown.join('; ')}]`
}

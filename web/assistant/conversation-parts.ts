/** Applies stream parts to a conversation, and merges the result with what the server returns meanwhile. */
import type { AnswerBlock, AssistantAnswer, AssistantToolCall, ChatbotPart } from '../../contract/answers.ts'
import type { Conversation } from '../../contract/conversations.ts'

export type StartPart = Extract<ChatbotPart, { type: 'start' }>

export function isRunning({ state }: Pick<AssistantAnswer, 'state'>): boolean {
  return state === 'running'
}

/** Returns whether an answer is unfinished, waiting for a model or a human. */
export function isOpen({ state }: Pick<AssistantAnswer, 'state'>): boolean {
  return state === 'running' || state === 'waiting'
}

/** Creates a conversation to show until the server returns it. @param at ISO 8601. */
export function newConversation(id: string, question: string, at: string): Conversation {
  const title = question.split('\n')[0]?.slice(0, 120) ?? ''
  return {
    id,
    title,
    created_at: at,
    updated_at: at,
    answers: 0,
    state: 'running',
    tokens: 0,
    cost_usd: null,
    items: [],
  }
}

/**
 * Adds an answer.
 * @param replaces Id of the answer that it replaces.
 */
export function withAnswer(
  conversation: Conversation,
  { answer_id: id, seq }: StartPart,
  asked: { question: string; at: string; replaces: string | undefined },
): Conversation {
  const answer: AssistantAnswer = {
    id,
    question: asked.question,
    asked_at: asked.at,
    state: 'running',
    blocks: [],
    provider: null,
    model: null,
    attempts: [],
    usage: null,
    cost_usd: null,
    problem: null,
    last_seq: seq,
  }
  const items = conversation.items.filter(each => each.id !== asked.replaces)
  // An event announced it already, and it may be past its first part.
  if (items.some(each => each.id === id)) return { ...conversation, items }
  return { ...conversation, state: 'running', items: [...items, answer] }
}

/** Applies parts of one answer, in order; parts that it already has are ignored. */
export function takeParts(conversation: Conversation, answerId: string, parts: readonly ChatbotPart[]): Conversation {
  const index = conversation.items.findIndex(({ id }) => id === answerId)
  const before = conversation.items[index]
  if (!before) return conversation
  const answer = parts.reduce(takePart, before)
  if (answer === before) return conversation
  const { state } = answer
  return {
    ...conversation,
    state: state === 'running' || state === 'waiting' ? state : 'idle',
    items: conversation.items.with(index, answer),
  }
}

export function takePart(answer: AssistantAnswer, part: ChatbotPart): AssistantAnswer {
  if (part.seq <= answer.last_seq) return answer
  return { ...answer, last_seq: part.seq, ...changeBy(part, answer) }
}

function changeBy(part: ChatbotPart, answer: AssistantAnswer): Partial<AssistantAnswer> {
  switch (part.type) {
    case 'start':
      return {}
    case 'attempt':
      return { attempts: [...answer.attempts, part.attempt] }
    case 'model':
      return { provider: part.provider, model: part.model }
    case 'text_delta':
      return { state: 'running', blocks: withText(answer.blocks, part.text) }
    case 'tool_call':
    case 'tool_result': {
      const blocks = withCall(answer.blocks, part.call)
      return { blocks, state: blocks.some(isWaiting) ? 'waiting' : 'running' }
    }
    case 'usage':
      return { usage: part.usage, cost_usd: part.cost_usd }
    case 'finish':
      return finished(part, answer)
    case 'error':
      return { state: 'failed', problem: part.problem }
  }
}

function finished({ state, result }: Extract<ChatbotPart, { type: 'finish' }>, answer: AssistantAnswer) {
  const { provider, model, attempts, usage, cost_usd } = result
  const hasText = answer.blocks.some(({ type }) => type === 'text')
  // A response sent as a whole has no deltas.
  const blocks = hasText || !result.response ? answer.blocks : withText(answer.blocks, result.response)
  return { state, provider, model, attempts, usage, cost_usd, blocks }
}

function withText(blocks: readonly AnswerBlock[], text: string): AnswerBlock[] {
  const last = blocks.at(-1)
  if (last?.type !== 'text') return [...blocks, { type: 'text', text }]
  return blocks.with(-1, { type: 'text', text: last.text + text })
}

function withCall(blocks: readonly AnswerBlock[], call: AssistantToolCall): AnswerBlock[] {
  const index = blocks.findIndex(block => block.type === 'tool_call' && block.call.id === call.id)
  return index === -1 ? [...blocks, { type: 'tool_call', call }] : blocks.with(index, { type: 'tool_call', call })
}

function isWaiting(block: AnswerBlock): boolean {
  return block.type === 'tool_call' && block.call.outcome === 'waiting'
}

/**
 * Merges a fetched conversation, which may be older than the parts: of each answer, the version with more parts wins.
 */
export function mergeConversation(known: Conversation | undefined, fetched: Conversation): Conversation {
  if (!known || known.id !== fetched.id) return fetched
  const ofKnown = new Map(known.items.map(answer => [answer.id, answer]))
  const items = fetched.items.map(answer => {
    const before = ofKnown.get(answer.id)
    return before && before.last_seq > answer.last_seq ? before : answer
  })
  const isThere = new Set(items.map(({ id }) => id))
  const newest = items.at(-1)?.asked_at ?? ''
  const newer = known.items.filter(each => !isThere.has(each.id) && isOpen(each) && each.asked_at > newest)
  return { ...fetched, items: [...items, ...newer] }
}

/** Removes an answer that the server does not know. */
export function withoutAnswer(conversation: Conversation, answerId: string): Conversation {
  return { ...conversation, items: conversation.items.filter(({ id }) => id !== answerId) }
}

/** Puts the server's version of an answer, unless the known one has more parts. */
export function putAnswer(conversation: Conversation, answer: AssistantAnswer): Conversation {
  return mergeConversation(conversation, {
    ...conversation,
    items: conversation.items.map(each => (each.id === answer.id ? answer : each)),
  })
}

/** Returns the text of an answer, for screen readers. */
export function textOf({ blocks }: AssistantAnswer): string {
  return blocks.flatMap(block => (block.type === 'text' ? [block.text] : [])).join('\n\n')
}

export function waitingCalls({ blocks }: AssistantAnswer): AssistantToolCall[] {
  return blocks.flatMap(block => (block.type === 'tool_call' && block.call.outcome === 'waiting' ? [block.call] : []))
}

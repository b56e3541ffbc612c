/** What an answer may take: each limit that is reached is said in words, in the conversation. */
import type { AssistantLimits } from '../../contract/assistant-settings.ts'
import type { ConversationStore } from './conversation-store.ts'
import type { OpenAnswer } from './open-answer.ts'

export interface Spent {
  /** Of the conversation, without the answer that is under way. */
  conversation: { tokens: number; costUsd: number }
  /** Of the principal today, without that answer. */
  today: { tokens: number; costUsd: number }
}

/** Of what others spend at the same time it hears with the next step. */
export async function spentBefore(
  store: Pick<ConversationStore, 'find' | 'usageOf'>,
  answer: OpenAnswer,
  now: number,
): Promise<Spent> {
  const { owner, row, facts } = answer
  await answer.store()
  const conversation = await store.find(owner, row.conversation_id)
  const usage = await store.usageOf(owner, new Date(now).toISOString().slice(0, 10))
  // What this answer spent is stored by now, and counted once.
  const own = { tokens: facts.tokens, costUsd: facts.costUsd ?? 0 }
  return {
    conversation: {
      tokens: (conversation?.tokens ?? 0) - own.tokens,
      costUsd: (conversation?.cost_usd ?? 0) - own.costUsd,
    },
    today: { tokens: usage.tokens - own.tokens, costUsd: usage.cost_usd - own.costUsd },
  }
}

/** Undefined while it may go on. */
export function reachedLimit(limits: AssistantLimits, { facts }: OpenAnswer, spent: Spent): string | undefined {
  const tokens = facts.tokens
  const cost = facts.costUsd ?? 0
  if (facts.steps >= limits.max_steps) {
    return `This answer has used its ${limits.max_steps} rounds of tools. Ask again to go on from here.`
  }
  if (spent.conversation.tokens + tokens >= limits.conversation_tokens) {
    return `This conversation has used its ${limits.conversation_tokens.toLocaleString('en')} tokens. Begin a new one to go on.`
  }
  const { conversation_cost_usd: conversationCost, principal_cost_usd_per_day: dayCost } = limits
  if (conversationCost !== null && spent.conversation.costUsd + cost >= conversationCost) {
    return `This conversation has cost the ${conversationCost} US dollars that it may. Begin a new one to go on.`
  }
  if (spent.today.tokens + tokens >= limits.principal_tokens_per_day) {
    return `You have used your ${limits.principal_tokens_per_day.toLocaleString('en')} tokens of today. Ask again tomorrow, or have an administrator raise the limit.`
  }
  if (dayCost !== null && spent.today.costUsd + cost >= dayCost) {
    return `You have used your ${dayCost} US dollars of today. Ask again tomorrow, or have an administrator raise the limit.`
  }
  return undefined
}

/** Of a conversation, or of a day. */
export function spentIn({ tokens, cost_usd: cost }: { tokens: number; cost_usd: number | null }) {
  return { tokens, costUsd: cost ?? 0 }
}

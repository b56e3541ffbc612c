/** Limits of what an answer may spend; a limit that is reached is explained in the conversation. */
import type { AssistantLimits } from '../../contract/assistant-settings.ts'
import type { ConversationStore } from './conversation-store.ts'
import type { OpenAnswer } from './open-answer.ts'

export interface Spent {
  /** Spending of the conversation, without the current answer. */
  conversation: { tokens: number; costUsd: number }
  /** Spending of the principal today, without the current answer. */
  today: { tokens: number; costUsd: number }
}

/** Returns what was spent before; concurrent spending counts from the next step on. */
export async function spentBefore(
  store: Pick<ConversationStore, 'find' | 'usageOf'>,
  answer: OpenAnswer,
  now: number,
): Promise<Spent> {
  const { owner, row, facts } = answer
  await answer.store()
  const conversation = await store.find(owner, row.conversation_id)
  const usage = await store.usageOf(owner, new Date(now).toISOString().slice(0, 10))
  // Spending of this answer is stored by now, and must count only once.
  const own = { tokens: facts.tokens, costUsd: facts.costUsd ?? 0 }
  return {
    conversation: {
      tokens: (conversation?.tokens ?? 0) - own.tokens,
      costUsd: (conversation?.cost_usd ?? 0) - own.costUsd,
    },
    today: { tokens: usage.tokens - own.tokens, costUsd: usage.cost_usd - own.costUsd },
  }
}

/** Returns which limit was reached, in words; undefined while the answer may go on. */
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

/** Returns what a conversation or a day has spent. */
export function spentIn({ tokens, cost_usd: cost }: { tokens: number; cost_usd: number | null }) {
  return { tokens, costUsd: cost ?? 0 }
}

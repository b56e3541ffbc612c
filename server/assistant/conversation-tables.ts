/** The tables of conversations, as Kysely sees them. */

declare module '../platform/database/tables.ts' {
  interface Tables {
    conversations: ConversationRow
    conversation_answers: AnswerRow
    conversation_parts: PartsRow
    assistant_usage: UsageRow
  }
}

export interface ConversationRow {
  /** Monotonic. */
  id: string
  /** The owner by `ownerOf`. */
  owner: string
  user_id: string | null
  title: string
  created_at: string
  updated_at: string
  tokens: number
  cost_usd: number | null
  /** `KeptSummary` as JSON. */
  summary: string | null
}

export interface AnswerRow {
  /** Monotonic. */
  id: string
  conversation_id: string
  question: string
  /** `AskedFrom` as JSON. */
  context: string | null
  asked_at: string
  state: string
  said: string
  /** `AnswerFacts` as JSON. */
  facts: string
  expires_at: string | null
}

export interface PartsRow {
  answer_id: string
  /** The number of the first part in it. */
  first: number
  /** Parts as JSON. */
  parts: string
}

export interface UsageRow {
  owner: string
  user_id: string | null
  /** The day in UTC. */
  day: string
  tokens: number
  cost_usd: number
}

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
  /** Rising. */
  id: string
  /** As `ownerOf` has it. */
  owner: string
  user_id: string | null
  title: string
  created_at: string
  updated_at: string
  tokens: number
  cost_usd: number | null
  /** `KeptSummary`, JSON. */
  summary: string | null
}

export interface AnswerRow {
  /** Rising. */
  id: string
  conversation_id: string
  question: string
  /** `AskedFrom`, JSON. */
  context: string | null
  asked_at: string
  state: string
  said: string
  /** `AnswerFacts`, JSON. */
  facts: string
  expires_at: string | null
}

export interface PartsRow {
  answer_id: string
  /** Number of the first of them. */
  first: number
  /** JSON. */
  parts: string
}

export interface UsageRow {
  owner: string
  user_id: string | null
  /** In UTC. */
  day: string
  tokens: number
  cost_usd: number
}

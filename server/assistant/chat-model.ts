/** PORT to a language model: messages in, a stream of parts out. Deadlines and the choice of a model are the service's. */
import type { ChatbotResponse } from '../../contract/assistant.ts'

export interface ChatModel {
  readonly provider: string
  /** Null when the provider does not say which model answers. */
  readonly model: string | null
  /** It says nothing before it has the whole answer, so that silence is no sign that it hangs. */
  readonly answersWhole?: boolean
  /**
   * Asks once, without a retry, and ends with `finish`. Throws a Problem `provider_failed`, `provider_limited` when it takes no
   * more questions now or, when the signal's reason is a TimeoutError, `provider_timeout`; no detail holds a key. Any other abort throws the signal's reason. The request
   * to the provider is ended when the signal aborts and when the reader leaves early.
   */
  stream(request: ChatRequest): AsyncIterable<Part>
}

export interface ChatRequest {
  messages: readonly Message[]
  signal: AbortSignal
}

/** The result of a tool call will be one more role. */
export interface Message {
  role: 'system' | 'user' | 'assistant'
  content: string
}

export type Usage = ChatbotResponse['usage']

/** A tool call will be one more kind of part. */
export type Part =
  | { type: 'text-delta'; text: string }
  /** A sign of life while the model thinks; its words are not shown. */
  | { type: 'reasoning-delta' }
  | { type: 'finish'; usage: Usage }

/**
 * PORT to a language model: messages and tools in, a stream of parts out. Deadlines, tool loops and the choice of a
 * model are up to the service.
 */
import type { ChatbotResponse } from '../../contract/assistant.ts'

export interface ChatModel {
  /** The id of its settings; stable, and unique among the models. */
  readonly id: string
  readonly provider: string
  /** Null if the provider does not say which model answers. */
  readonly model: string | null
  /** True if what it is sent stays on this machine or in the operator's own networks. */
  readonly isLocal: boolean
  /** False if it takes only one question: it is then sent neither tools nor their results. */
  readonly takesTools: boolean
  /** Tokens that it reads at most, estimated as a quarter of the characters. */
  readonly contextTokens: number
  /** True if it sends nothing before the whole answer, so that silence does not mean that it hangs. */
  readonly answersWhole?: boolean
  /**
   * Asks once, without a retry, and ends with `finish`. Throws a Problem `provider_failed`, `provider_limited` if it
   * accepts no more questions now or, if the signal's reason is a TimeoutError, `provider_timeout`; no detail contains
   * a key. Any other abort throws the signal's reason. The request to the provider ends when the signal aborts, and
   * when the reader leaves early.
   */
  stream(request: ChatRequest): AsyncIterable<Part>
}

export interface ChatRequest {
  messages: readonly Message[]
  tools?: readonly OfferedTool[]
  /** Upper bound of tokens of the answer. */
  maxOutputTokens?: number | undefined
  temperature?: number | undefined
  signal: AbortSignal
}

export interface OfferedTool {
  name: string
  description: string
  /** JSON Schema of an object. */
  inputSchema: { type: 'object'; [key: string]: unknown }
}

export type Message =
  | { role: 'system' | 'user'; content: string }
  | { role: 'assistant'; content: string; toolCalls?: readonly ToolRequest[] }
  /** The result of a tool call, as text for the model. */
  | { role: 'tool'; callId: string; name: string; content: string; isError: boolean }

/** A tool call that a model requests. */
export interface ToolRequest {
  /** The provider's id, or one from the adapter if there is none: unique within an answer. */
  id: string
  name: string
  /** The parsed input. Undefined if it is not valid JSON, which the model is then told. */
  input: unknown
}

export type Usage = ChatbotResponse['usage']

/** `length`: the model stopped at its token limit; `filtered`: its provider withheld the answer. */
export type FinishReason = 'stop' | 'tool_calls' | 'length' | 'filtered' | 'other'

export type Part =
  | { type: 'text_delta'; text: string }
  /** A sign of life while the model thinks; its words are not shown. */
  | { type: 'reasoning_delta' }
  /** A complete call, with all of its input. */
  | { type: 'tool_call'; call: ToolRequest }
  | { type: 'finish'; usage: Usage; reason: FinishReason }

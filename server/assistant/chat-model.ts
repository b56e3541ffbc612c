/** PORT to a language model: messages and tools in, a stream of parts out. Deadlines, tool loops and the choice of a model are the service's. */
import type { ChatbotResponse } from '../../contract/assistant.ts'

export interface ChatModel {
  /** Of its settings; stable, and unique among the models. */
  readonly id: string
  readonly provider: string
  /** Null when the provider does not say which model answers. */
  readonly model: string | null
  /** What it is sent stays on this machine or in the operator's own networks. */
  readonly isLocal: boolean
  /** False where it takes one question and nothing else: it is then sent no tools, and nothing that a tool answered. */
  readonly takesTools: boolean
  /** How much it reads at once, estimated as a quarter of the characters. */
  readonly contextTokens: number
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
  tools?: readonly OfferedTool[]
  /** Of the answer. */
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
  /** What a call of a tool answered, as text for the model. */
  | { role: 'tool'; callId: string; name: string; content: string; isError: boolean }

/** A call of a tool as a model asks for it. */
export interface ToolRequest {
  /** The provider's, or made by the adapter where it gives none: unique in one answer. */
  id: string
  name: string
  /** As parsed. Undefined when what was sent is no JSON; the model is then told so. */
  input: unknown
}

export type Usage = ChatbotResponse['usage']

/** `length`: the model stopped at its bound; `filtered`: its provider held the answer back. */
export type FinishReason = 'stop' | 'tool_calls' | 'length' | 'filtered' | 'other'

export type Part =
  | { type: 'text_delta'; text: string }
  /** A sign of life while the model thinks; its words are not shown. */
  | { type: 'reasoning_delta' }
  /** Whole, when all of its input is here. */
  | { type: 'tool_call'; call: ToolRequest }
  | { type: 'finish'; usage: Usage; reason: FinishReason }

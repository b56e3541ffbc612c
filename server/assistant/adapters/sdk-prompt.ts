/** Converts a dialogue to the prompt of the `ai` SDK's providers. */
import type { OpenAICompatibleProvider } from '@ai-sdk/openai-compatible'
import type { ChatRequest, Message } from '../chat-model.ts'

/** The model type that all providers of the SDK share. */
export type SdkModel = ReturnType<OpenAICompatibleProvider['chatModel']>
type Prompt = Parameters<SdkModel['doStream']>[0]['prompt']
type Turn = Prompt[number]
type AssistantTurn = Extract<Turn, { role: 'assistant' }>
type ToolTurn = Extract<Turn, { role: 'tool' }>

export interface PromptWords {
  /** Converts call ids, if a provider accepts only ids of a certain form; another provider may have made them. */
  callId?: ((id: string) => string) | undefined
}

/**
 * Builds the prompt: system messages come first, merged into one; results of tools that were requested together stay
 * together, as most providers require.
 */
export function promptFor({ messages }: ChatRequest, { callId = id => id }: PromptWords): Prompt {
  const instructions = messages.flatMap(message => (message.role === 'system' ? [message.content] : []))
  const turns: Turn[] = []
  for (const message of messages) {
    if (message.role === 'user') turns.push({ role: 'user', content: [{ type: 'text', text: message.content }] })
    if (message.role === 'assistant') turns.push(assistantTurn(message, callId))
    if (message.role !== 'tool') continue
    const last = turns.at(-1)
    if (last?.role === 'tool') last.content.push(resultOf(message, callId))
    else turns.push({ role: 'tool', content: [resultOf(message, callId)] })
  }
  return instructions.length === 0 ? turns : [{ role: 'system', content: instructions.join('\n\n') }, ...turns]
}

function assistantTurn(
  { content, toolCalls = [] }: Extract<Message, { role: 'assistant' }>,
  callId: (id: string) => string,
): AssistantTurn {
  const calls = toolCalls.map(({ id, name, input }) => ({
    type: 'tool-call' as const,
    toolCallId: callId(id),
    toolName: name,
    // Unparsable input is not repeated; the result says what was wrong with it.
    input: input ?? {},
  }))
  const words = content === '' && calls.length > 0 ? [] : [{ type: 'text' as const, text: content }]
  return { role: 'assistant', content: [...words, ...calls] }
}

function resultOf(
  { callId: id, name, content, isError }: Extract<Message, { role: 'tool' }>,
  callId: (id: string) => string,
): ToolTurn['content'][number] {
  const output = isError ? { type: 'error-text' as const, value: content } : { type: 'text' as const, value: content }
  return { type: 'tool-result', toolCallId: callId(id), toolName: name, output }
}

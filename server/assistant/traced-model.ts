/**
 * Traces model calls as spans by OpenTelemetry's conventions for GenAI (in development): provider, model and tokens,
 * without content.
 */
import { overridden } from '../platform/tracing/overridden.ts'
import { errorType, type Tracer } from '../platform/tracing/tracer.ts'
import type { ChatModel, Part } from './chat-model.ts'

/** Provider names of the conventions; others use their own. */
const names: Record<string, string> = { gemini: 'gcp.gemini' }

export function tracedModel(model: ChatModel, tracer: Tracer): ChatModel {
  return overridden(model, (name, method) =>
    name === 'stream' ? request => traced(model, () => method(request) as AsyncIterable<Part>) : undefined,
  )

  async function* traced({ provider, model }: ChatModel, ask: () => ReturnType<ChatModel['stream']>) {
    const attributes = {
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': names[provider] ?? provider,
      'gen_ai.request.model': model ?? undefined,
    }
    const span = tracer.begin(model === null ? 'chat' : `chat ${model}`, { kind: 'client', attributes })
    let isEnded = false
    try {
      for await (const part of ask()) {
        if (part.type === 'finish') {
          const { usage } = part
          span?.set({
            'gen_ai.usage.input_tokens': usage?.input_tokens ?? undefined,
            'gen_ai.usage.output_tokens': usage?.output_tokens ?? undefined,
          })
          isEnded = true
        }
        yield part
      }
    } catch (error) {
      span?.end(errorType(error))
      throw error
    } finally {
      // The reader left, which is not a failure of the provider.
      if (!isEnded) span?.set({ 'rustymail.outcome': 'left' })
      span?.end()
    }
  }
}

/** Asks a model of the `ai` SDK and maps its parts to ours. The SDK is loaded when first used, so that an idle server stays small. */
import type { LanguageModel, LanguageModelUsage } from 'ai'
import type { ChatRequest, Part, Usage } from '../chat-model.ts'
import type { ProviderFaults } from '../provider-faults.ts'

/** All bytes of one answer; each token comes wrapped in some 250 of them. */
export const maxAnswerBytes = 32 * 1024 * 1024

interface SdkRequest {
  /** Makes the vendor's model; it imports the vendor's package then and not before. */
  languageModel(): Promise<LanguageModel>
  request: ChatRequest
  faults: ProviderFaults
}

export async function* streamFromSdk({ languageModel, request, faults }: SdkRequest): AsyncGenerator<Part> {
  const { APICallError, streamText } = await import('ai')
  const model = await languageModel()
  const left = new AbortController()
  const { instructions, messages } = split(request)
  try {
    const { stream } = streamText({
      model,
      instructions,
      messages,
      abortSignal: AbortSignal.any([request.signal, left.signal]),
      // The chain of models is the retry.
      maxRetries: 0,
      telemetry: { isEnabled: false },
      // The error comes as a part; without this the SDK prints it too.
      onError: () => undefined,
    })
    for await (const part of stream) {
      if (part.type === 'text-delta' && part.text !== '') yield { type: 'text_delta', text: part.text }
      if (part.type === 'reasoning-delta') yield { type: 'reasoning_delta' }
      if (part.type === 'error') throw part.error
      if (part.type === 'abort') throw request.signal.reason
      if (part.type !== 'finish') continue
      // A stream that was cut off looks like one that ended, but for the reason.
      if (part.rawFinishReason === undefined || part.finishReason === 'error') throw faults.brokeOff(undefined)
      yield { type: 'finish', usage: usageOf(part.totalUsage) }
    }
  } catch (error) {
    if (request.signal.aborted || !APICallError.isInstance(error)) throw translate(error, request.signal, faults)
    const { statusCode = 0, responseBody = '', responseHeaders } = error
    throw statusCode >= 300
      ? faults.refused(statusCode, responseBody, responseHeaders?.['retry-after'])
      : faults.of(error.cause, request.signal)
  } finally {
    left.abort()
  }
}

/** What a provider says inside its stream comes as this one error of the SDK, or as it was sent. */
function translate(error: unknown, signal: AbortSignal, faults: ProviderFaults): unknown {
  if (signal.aborted) return faults.of(error, signal)
  if (!(error instanceof Error)) return faults.brokeOff(error)
  return error.name === 'AI_StreamProviderError' ? faults.brokeOff(error.message) : faults.of(error, signal)
}

/** The SDK wants the system's words apart from the dialogue. */
function split({ messages }: ChatRequest) {
  const instructions = messages.filter(({ role }) => role === 'system').map(({ content }) => content)
  const dialogue = messages.flatMap(({ role, content }) => (role === 'system' ? [] : [{ role, content }]))
  return { instructions: instructions.join('\n\n'), messages: dialogue }
}

function usageOf({ inputTokens, outputTokens }: LanguageModelUsage): Usage {
  if (inputTokens === undefined && outputTokens === undefined) return null
  return { input_tokens: inputTokens ?? null, output_tokens: outputTokens ?? null }
}

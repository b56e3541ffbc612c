/**
 * Streams one answer from a provider of the `ai` SDK, and maps its parts to ours. Called below `streamText`, which
 * would buffer the whole answer, run tools and print warnings. A provider is loaded on first use, so that an idle
 * server stays small.
 */
import type { ChatRequest, FinishReason, Part, ToolRequest, Usage } from '../chat-model.ts'
import type { ProviderFaults } from '../provider-faults.ts'
import { type PromptWords, promptFor, type SdkModel } from './sdk-prompt.ts'

/** Upper bound of bytes of one answer, on the wire; each token comes wrapped in some 250 of them. */
export const maxAnswerBytes = 32 * 1024 * 1024

type SdkPart = Awaited<ReturnType<SdkModel['doStream']>>['stream'] extends ReadableStream<infer T> ? T : never
type SdkFinish = Extract<SdkPart, { type: 'finish' }>

interface SdkRequest extends PromptWords {
  /** Creates the vendor's model, and imports the vendor's package on demand. */
  languageModel(): Promise<SdkModel>
  request: ChatRequest
  faults: ProviderFaults
}

export async function* streamFromSdk(options: SdkRequest): AsyncGenerator<Part> {
  const { languageModel, request, faults } = options
  const left = new AbortController()
  const signal = AbortSignal.any([request.signal, left.signal])
  try {
    const model = await languageModel()
    const { stream } = await model.doStream({
      ...callOf(request),
      prompt: promptFor(request, options),
      abortSignal: signal,
    })
    yield* ours(stream, faults)
  } catch (error) {
    throw translate(error, request.signal, faults)
  } finally {
    left.abort()
  }
}

function callOf({ tools = [], maxOutputTokens, temperature }: ChatRequest) {
  const offered = tools.map(({ name, description, inputSchema }) => ({
    type: 'function' as const,
    name,
    description,
    inputSchema,
  }))
  return {
    ...(offered.length === 0 ? {} : { tools: offered, toolChoice: { type: 'auto' as const } }),
    ...(maxOutputTokens === undefined ? {} : { maxOutputTokens }),
    ...(temperature === undefined ? {} : { temperature }),
  }
}

async function* ours(stream: ReadableStream<SdkPart>, faults: ProviderFaults): AsyncGenerator<Part> {
  const ids = new Set<string>()
  let [calls, isWhole] = [0, false]
  for await (const part of stream) {
    if (part.type === 'text-delta' && part.delta !== '') yield { type: 'text_delta', text: part.delta }
    if (part.type === 'reasoning-delta' || part.type === 'tool-input-delta') yield { type: 'reasoning_delta' }
    if (part.type === 'error') throw new BrokenOff(part.error)
    if (part.type === 'tool-call') {
      calls += 1
      const id = part.toolCallId !== '' && !ids.has(part.toolCallId) ? part.toolCallId : `call_${calls}`
      ids.add(id)
      yield { type: 'tool_call', call: { id, name: part.toolName, input: inputOf(part.input) } }
    }
    if (part.type !== 'finish') continue
    // A truncated stream differs from a complete one only in the reason.
    if (part.finishReason.raw === undefined || part.finishReason.unified === 'error') throw faults.brokeOff(undefined)
    isWhole = true
    yield { type: 'finish', usage: usageOf(part.usage), reason: reasonOf(part.finishReason, calls > 0) }
  }
  if (!isWhole) throw faults.unreadable()
}

/** Parses the input of a call; some models send an empty string for a call without arguments. */
function inputOf(text: string): ToolRequest['input'] {
  if (text.trim() === '') return {}
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function reasonOf({ unified }: SdkFinish['finishReason'], hasCalls: boolean): FinishReason {
  if (unified === 'length') return 'length'
  if (unified === 'content-filter') return 'filtered'
  // Some providers report `stop` for an answer with tool calls.
  if (unified === 'tool-calls' || hasCalls) return 'tool_calls'
  return unified === 'stop' ? 'stop' : 'other'
}

function usageOf({ inputTokens, outputTokens }: SdkFinish['usage']): Usage {
  const [input, output] = [inputTokens.total, outputTokens.total]
  if (input === undefined && output === undefined) return null
  return { input_tokens: input ?? null, output_tokens: output ?? null }
}

/** An error that arrived within a stream. */
class BrokenOff extends Error {
  readonly told: unknown

  constructor(told: unknown) {
    super('the provider failed during its answer')
    this.told = told
  }
}

function translate(error: unknown, signal: AbortSignal, faults: ProviderFaults): unknown {
  if (signal.aborted) return faults.of(error, signal)
  const told = error instanceof BrokenOff ? error.told : error
  if (isRefusal(told)) {
    const { statusCode = 0, responseBody = '', responseHeaders } = told
    if (statusCode >= 300) return faults.refused(statusCode, responseBody, responseHeaders?.['retry-after'])
    return faults.of(told.cause, signal)
  }
  if (!(told instanceof Error)) return faults.brokeOff(told)
  // A chunk that is no part of an answer may be an error message.
  if (told.name === 'AI_TypeValidationError' && 'value' in told) return faults.inside(told.value)
  // The SDK's error for what a provider reports within its stream.
  return told.name === 'AI_StreamProviderError' ? faults.brokeOff(told.message) : faults.of(told, signal)
}

interface Refusal extends Error {
  statusCode?: number
  responseBody?: string
  responseHeaders?: Record<string, string>
}

/** Checks the name, since importing the class would load the whole SDK. */
function isRefusal(error: unknown): error is Refusal {
  return error instanceof Error && error.name === 'AI_APICallError'
}

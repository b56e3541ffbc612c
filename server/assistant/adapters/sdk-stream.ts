/**
 * Asks a model of the `ai` SDK's providers once, and maps its parts to ours. It is asked below `streamText`, which would keep the whole
 * answer, run tools and print warnings. A provider is loaded when first used, so that an idle server stays small.
 */
import type { ChatRequest, FinishReason, Part, ToolRequest, Usage } from '../chat-model.ts'
import type { ProviderFaults } from '../provider-faults.ts'
import { type PromptWords, promptFor, type SdkModel } from './sdk-prompt.ts'

/** All bytes of one answer; each token comes wrapped in some 250 of them. */
export const maxAnswerBytes = 32 * 1024 * 1024

type SdkPart = Awaited<ReturnType<SdkModel['doStream']>>['stream'] extends ReadableStream<infer T> ? T : never
type SdkFinish = Extract<SdkPart, { type: 'finish' }>

interface SdkRequest extends PromptWords {
  /** Makes the vendor's model; it imports the vendor's package then and not before. */
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
    // A stream that was cut off looks like one that ended, but for the reason.
    if (part.finishReason.raw === undefined || part.finishReason.unified === 'error') throw faults.brokeOff(undefined)
    isWhole = true
    yield { type: 'finish', usage: usageOf(part.usage), reason: reasonOf(part.finishReason, calls > 0) }
  }
  if (!isWhole) throw faults.unreadable()
}

/** Nothing at all is how some ask for a call without arguments. */
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
  // Some say that they stopped when they call a tool.
  if (unified === 'tool-calls' || hasCalls) return 'tool_calls'
  return unified === 'stop' ? 'stop' : 'other'
}

function usageOf({ inputTokens, outputTokens }: SdkFinish['usage']): Usage {
  const [input, output] = [inputTokens.total, outputTokens.total]
  if (input === undefined && output === undefined) return null
  return { input_tokens: input ?? null, output_tokens: output ?? null }
}

/** What came as an error inside of a stream. */
class BrokenOff extends Error {
  readonly told: unknown

  constructor(told: unknown) {
    super('the provider failed inside of its answer')
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
  // Not of the form of an answer, and perhaps an excuse.
  if (told.name === 'AI_TypeValidationError' && 'value' in told) return faults.inside(told.value)
  // The SDK's name for what a provider says inside of its stream.
  return told.name === 'AI_StreamProviderError' ? faults.brokeOff(told.message) : faults.of(told, signal)
}

interface Refusal extends Error {
  statusCode?: number
  responseBody?: string
  responseHeaders?: Record<string, string>
}

/** By its name, as importing the class would load the whole SDK. */
function isRefusal(error: unknown): error is Refusal {
  return error instanceof Error && error.name === 'AI_APICallError'
}

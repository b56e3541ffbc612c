/** Tries a provider step by step and reports each: connection, key, answer and tool calls. */
import type { ProviderTest } from '../../contract/model-provider.ts'
import type { OutboundGuard } from '../platform/network/outbound-guard.ts'
import { Problem } from '../platform/problem.ts'
import { endpointOf } from './base-urls.ts'
import type { ChatModel, ChatRequest, Part } from './chat-model.ts'
import { listModelsOf } from './model-list.ts'
import type { ModelSettings } from './model-settings.ts'
import { visibleParts } from './visible-parts.ts'

type Step = ProviderTest['steps'][number]

export interface TrialOptions {
  settings: ModelSettings
  model: ChatModel
  fetch: typeof globalThis.fetch
  guard: Pick<OutboundGuard, 'look' | 'check'>
  signal: AbortSignal
}

const tool = {
  name: 'server_time',
  description: 'Says what time it is on the server.',
  inputSchema: { type: 'object' as const, properties: {} },
}

/**
 * Ends at the first step that fails; a model that calls no tool is reported, but not as a failure, since it can still
 * answer.
 */
export async function tryProvider(options: TrialOptions): Promise<ProviderTest> {
  const steps: Step[] = []
  let networks: readonly string[] | undefined
  const step = async (name: Step['name'], run: () => Promise<{ ok: boolean; detail: string }>): Promise<boolean> => {
    const begun = performance.now()
    const { ok, detail } = await run().catch((error: unknown) => {
      if (!(error instanceof Problem)) throw error
      networks = error.extension.networks
      return { ok: false, detail: error.message }
    })
    steps.push({ name, ok, detail, duration_ms: Math.round(performance.now() - begun) })
    return ok
  }
  const { settings } = options
  const list = options.model.takesTools && settings.kind !== 'azure'
  const isFine =
    (await step('address', () => address(options))) &&
    (!list || (await reach(options, step))) &&
    (await step('answer', () => answer(options)))
  if (isFine && options.model.takesTools) await step('tools', () => tools(options))
  return { ok: isFine, steps, ...(networks && { networks: [...networks] }) }
}

async function address({ settings, guard }: TrialOptions) {
  const { hostname, origin, port, protocol, pathname } = new URL(endpointOf(settings.kind, settings.baseUrl).baseUrl)
  const number = port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port)
  const found = await guard.check(hostname, number).catch((error: NodeJS.ErrnoException) => {
    if (error instanceof Problem) throw error
    throw new Problem('provider_failed', `${hostname} is not found (${error.code ?? 'no address'}).`)
  })
  return { ok: true, detail: `${origin}${pathname} at ${found.map(each => each.address).join(', ')}` }
}

type RunStep = (name: Step['name'], run: () => Promise<{ ok: boolean; detail: string }>) => Promise<boolean>

/** One request covers three steps: that the provider responds, that the key is accepted, and which models it has. */
async function reach({ settings, fetch, signal }: TrialOptions, step: RunStep): Promise<boolean> {
  const { model } = settings
  let models: Awaited<ReturnType<typeof listModelsOf>>
  let refusal: string | undefined
  const isReached = await step('connect', async () => {
    try {
      models = await listModelsOf(settings, fetch, signal)
      return { ok: true, detail: 'It answers.' }
    } catch (error) {
      if (!(error instanceof Problem) || !/ answered \d{3}/.test(error.message)) throw error
      refusal = error.message
      return { ok: true, detail: 'It answers.' }
    }
  })
  if (!isReached) return false
  const isKeyRefused = refusal !== undefined && / answered 40[13]/.test(refusal)
  const isAccepted = await step('key', async () => ({
    ok: !isKeyRefused,
    detail: isKeyRefused
      ? `The key is refused: ${refusal}`
      : settings.apiKey === undefined
        ? 'None is needed.'
        : 'It counts.',
  }))
  if (!isAccepted) return false
  await step('model', async () => {
    if (models === undefined)
      return { ok: true, detail: `It does not list its models (${refusal}); the answer will show.` }
    const isListed = models.some(({ id }) => id === model || `${id}:latest` === model || id === `${model}:latest`)
    if (isListed) return { ok: true, detail: `It has ${model}.` }
    return { ok: false, detail: `${model} is not among the ${models.length} models that it lists.` }
  })
  // An alias may be unlisted and work nevertheless.
  return true
}

async function answer(options: TrialOptions) {
  const parts = await ask(options, { messages: [{ role: 'user', content: 'Reply with the single word: ready' }] })
  const text = parts.map(part => (part.type === 'text_delta' ? part.text : '')).join('')
  return { ok: true, detail: `It said: ${text.replaceAll(/\s+/g, ' ').trim().slice(0, 100)}` }
}

async function tools(options: TrialOptions) {
  const parts = await ask(options, {
    messages: [{ role: 'user', content: 'What time is it on the server? Use the tool server_time.' }],
    tools: [tool],
  })
  const isCalled = parts.some(part => part.type === 'tool_call' && part.call.name === tool.name)
  return isCalled
    ? { ok: true, detail: 'It calls tools.' }
    : { ok: false, detail: 'It called no tool: it cannot read mail or figures. Choose a model that calls tools.' }
}

async function ask({ model, signal }: TrialOptions, request: Omit<ChatRequest, 'signal'>): Promise<Part[]> {
  const parts: Part[] = []
  // Enough for a model that reasons first.
  const asked = model.stream({ ...request, maxOutputTokens: 1_000, signal })
  for await (const part of visibleParts(model, asked)) parts.push(part)
  return parts
}

/** The contract of every ChatModel, tested against a stand-in that speaks its wire format. */
import { afterEach, expect, test, vi } from 'vitest'
import { type Behaviour, type Dialect, ModelStandIn, usage } from '../../test/support/model-stand-in.ts'
import type { Problem } from '../platform/problem.ts'
import type { ChatModel, ChatRequest, OfferedTool, Part } from './chat-model.ts'

interface ChatModelHarness {
  dialect: Dialect
  /** True if text is streamed as the model produces it; false if it arrives at once. */
  isStreamed: boolean
  create(url: string, key: string): ChatModel
}

/** Returns the settings of a model under test; the test adds its URL and key. */
export const settingsOf = <Kind extends Dialect>(kind: Kind) =>
  ({ id: kind, kind, name: kind, model: 'stand-in-1', isLocal: false, contextTokens: 32_000 }) as const

export const key = 'sk-canary-0123456789abcdef'
const pieces = ['Good ', 'morning', '!']
const request = (signal: AbortSignal): ChatRequest => ({
  messages: [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'Earlier' },
    { role: 'assistant', content: 'Yes?' },
    { role: 'user', content: 'Grüß mich 👋' },
  ],
  signal,
})

export async function collect(
  model: ChatModel,
  signal = AbortSignal.timeout(20_000),
  more: Partial<ChatRequest> = {},
): Promise<Part[]> {
  const parts: Part[] = []
  for await (const part of model.stream({ ...request(signal), ...more })) parts.push(part)
  return parts
}

const tools: OfferedTool[] = [
  {
    name: 'search_messages',
    description: 'Finds messages',
    inputSchema: { type: 'object', properties: { query: { type: 'string' } }, required: ['query'] },
  },
  { name: 'stats', description: 'Says how it goes', inputSchema: { type: 'object', properties: {} } },
]

export function textOf(parts: readonly Part[]): string {
  return parts.map(part => (part.type === 'text_delta' ? part.text : '')).join('')
}

export function chatModelSuite({ dialect, isStreamed, create }: ChatModelHarness): void {
  const open: ModelStandIn[] = []
  afterEach(async () => {
    await Promise.all(open.splice(0).map(standIn => standIn.close()))
  })

  async function start(behaviour: Behaviour) {
    const standIn = await ModelStandIn.start(dialect, behaviour)
    open.push(standIn)
    return { standIn, model: create(standIn.url, key) }
  }

  async function failureOf(behaviour: Behaviour, signal?: AbortSignal): Promise<Problem> {
    const { model } = await start(behaviour)
    return collect(model, signal).then(
      parts => expect.fail(`it answered: ${JSON.stringify(parts)}`),
      error => error,
    )
  }

  test('an answer comes whole and in order, and ends with what it cost', async () => {
    const { model } = await start({ does: 'answer', pieces })
    const parts = await collect(model)
    expect(textOf(parts)).toBe('Good morning!')
    expect(parts.length).toBe(isStreamed ? 4 : 2)
    const cost = { input_tokens: usage.prompt_tokens, output_tokens: usage.completion_tokens }
    expect(parts.at(-1)).toEqual({ type: 'finish', usage: isStreamed ? cost : null, reason: 'stop' })
  })

  test('the words come through whole wherever the bytes are cut', async () => {
    const words = ['Žluťoučký ', '漢字 ', '👩‍👩‍👧 ', '𝕏 ', 'שלום']
    const { model } = await start({ does: 'answer in crumbs', pieces: words })
    expect(textOf(await collect(model))).toBe(words.join(''))
  })

  test('the question reaches the provider with the key in its header', async () => {
    const { model, standIn } = await start({ does: 'answer', pieces })
    await collect(model)
    expect(standIn.requests).toHaveLength(1)
    const [received] = standIn.requests
    expect(JSON.stringify(received?.body)).toContain('Grüß mich 👋')
    const held = Object.entries(received?.headers ?? {}).filter(([, value]) => value !== undefined && holdsKey(value))
    expect(held).toHaveLength(1)
    expect(JSON.stringify(received?.body) + received?.path).not.toContain(key)
  })

  test('aborting in the middle of an answer closes the connection to the provider', async () => {
    const { model, standIn } = await start({ does: 'stall', pieces })
    const abort = new AbortController()
    const seen: Part[] = []
    const reading = (async () => {
      for await (const part of model.stream(request(abort.signal))) seen.push(part)
    })()
    reading.catch(() => undefined)
    await vi.waitFor(() => expect(isStreamed ? seen.length : standIn.requests.length).toBeGreaterThan(0))
    expect(standIn.abandoned).toBe(0)
    abort.abort(new Error('the reader left'))
    await expect(reading).rejects.toThrow('the reader left')
    await vi.waitFor(() => expect(standIn.abandoned).toBe(1))
  })

  test('a provider that hangs is given up at the deadline', async () => {
    const problem = await failureOf({ does: 'stall', pieces: [] }, AbortSignal.timeout(150))
    expect(problem).toMatchObject({ code: 'provider_timeout', status: 504 })
  })

  test.each([401, 429, 500])(
    'a %i is told in the words of the provider, without the key, and asked once',
    async status => {
      const { model, standIn } = await start({ does: 'refuse', status, words: `No entry with ${key}, sorry` })
      const problem = await collect(model).catch(error => error)
      const [code, told] = status === 429 ? ['provider_limited', 429] : ['provider_failed', 502]
      expect(problem).toMatchObject({ code, status: told })
      expect(problem.message).toContain(`answered ${status}: No entry with [redacted], sorry`)
      expect(everythingIn(problem)).not.toContain(key)
      expect(standIn.requests).toHaveLength(1)
    },
  )

  test.each([
    ['a web page', 'text/html', '<!doctype html><title>Welcome</title>'],
    ['nothing', 'application/json', ''],
    ['broken JSON', 'text/event-stream', 'data: {"choices": [{\n\n'],
    ['other JSON', 'application/json', '{"answer": 42}'],
    ['a stream of something else', 'text/event-stream', 'data: {"answer": 42}\n\ndata: [DONE]\n\n'],
  ])('an answer that is %s fails', async (_what, type, body) => {
    const problem = await failureOf({ does: 'send', status: 200, type, body })
    expect(problem).toMatchObject({ code: 'provider_failed' })
  })

  test('a failure whose page has no end is cut', async () => {
    const { model, standIn } = await start({ does: 'flood' })
    const problem = await collect(model).catch(error => error)
    expect(problem).toMatchObject({ code: 'provider_failed' })
    expect(problem.message).toContain('answered 500: flood flood')
    expect(problem.message.length).toBeLessThan(400)
    await vi.waitFor(() => expect(standIn.abandoned).toBe(1))
  })

  test('a connection that is torn in the middle of an answer fails', async () => {
    expect(await failureOf({ does: 'tear', pieces })).toMatchObject({ code: 'provider_failed' })
  })

  test('a provider that is not running fails with the reason', async () => {
    const { model, standIn } = await start({ does: 'answer', pieces })
    await standIn.close()
    const problem = await collect(model).catch(error => error)
    expect(problem).toMatchObject({ code: 'provider_failed' })
    expect(problem.message).toContain('cannot be reached (ECONNREFUSED)')
  })

  test('a redirect is not followed: the key goes nowhere else', async () => {
    const { standIn: elsewhere } = await start({ does: 'answer', pieces })
    expect(await failureOf({ does: 'redirect', to: elsewhere.url })).toMatchObject({ code: 'provider_failed' })
    expect(elsewhere.requests).toEqual([])
  })

  test('an answer that only looks ended fails', async () => {
    expect(await failureOf({ does: 'trail off', pieces })).toMatchObject({ code: 'provider_failed' })
  })

  if (!isStreamed) return

  test('words come before the answer is whole, and a reader who leaves then ends the request', async () => {
    const { model, standIn } = await start({ does: 'stall', pieces })
    for await (const part of model.stream(request(AbortSignal.timeout(20_000)))) {
      expect(part).toEqual({ type: 'text_delta', text: 'Good ' })
      break
    }
    await vi.waitFor(() => expect(standIn.abandoned).toBe(1))
  })

  test('a failure inside the stream is told in the words of the provider, without the key', async () => {
    const problem = await failureOf({ does: 'fail inside', pieces, words: `The model under ${key} is worn out` })
    expect(problem).toMatchObject({ code: 'provider_failed' })
    expect(problem.message).toContain('The model under [redacted] is worn out')
    expect(everythingIn(problem)).not.toContain(key)
  })

  test.each(['answer', 'answer in crumbs'] as const)(
    'two tools that are asked for at once come whole and in order: %s',
    async does => {
      const calls = [
        { id: 'call_One1', name: 'search_messages', input: '{"query":"Grüße 👋, \\"quoted\\""}' },
        { id: 'call_Two2', name: 'stats', input: '{}' },
      ]
      const { model, standIn } = await start({ does, pieces: ['Let me look.'], calls })
      const parts = await collect(model, undefined, { tools, maxOutputTokens: 500, temperature: 0.5 })
      const asked = parts.flatMap(part => (part.type === 'tool_call' ? [part.call] : []))
      expect(asked.map(({ name, input }) => ({ name, input }))).toEqual([
        { name: 'search_messages', input: { query: 'Grüße 👋, "quoted"' } },
        { name: 'stats', input: {} },
      ])
      if (dialect !== 'gemini') expect(asked.map(({ id }) => id)).toEqual(['call_One1', 'call_Two2'])
      expect(new Set(asked.map(({ id }) => id)).size).toBe(2)
      expect(textOf(parts)).toBe('Let me look.')
      expect(parts.at(-1)).toMatchObject({ type: 'finish', reason: 'tool_calls' })
      const sent = JSON.stringify(standIn.requests[0]?.body)
      for (const words of ['search_messages', 'Finds messages', '"required":["query"]', '500', '0.5']) {
        expect(sent).toContain(words)
      }
    },
  )

  test('the second round holds what was asked for and what the tools answered', async () => {
    const { model, standIn } = await start({ does: 'answer', pieces })
    const messages: ChatRequest['messages'] = [
      { role: 'user', content: 'How many?' },
      {
        role: 'assistant',
        content: '',
        toolCalls: [
          { id: 'call:one of another', name: 'search_messages', input: { query: 'x' } },
          { id: 'call_2', name: 'stats', input: undefined },
        ],
      },
      { role: 'tool', callId: 'call:one of another', name: 'search_messages', content: '3 messages', isError: false },
      { role: 'tool', callId: 'call_2', name: 'stats', content: 'that was no JSON', isError: true },
    ]
    expect(textOf(await collect(model, undefined, { tools, messages }))).toBe('Good morning!')
    const sent = JSON.stringify(standIn.requests[0]?.body)
    for (const words of ['How many?', 'search_messages', '3 messages', 'that was no JSON'])
      expect(sent).toContain(words)
  })

  // Gemini sends arguments as JSON values, which cannot be malformed.
  test.skipIf(dialect === 'gemini')('the input of a tool that is no JSON comes as none', async () => {
    const calls = [{ id: 'call_one', name: 'stats', input: '{"query": oops' }]
    const { model } = await start({ does: 'answer', pieces: [], calls })
    const asked = (await collect(model, undefined, { tools })).filter(part => part.type === 'tool_call')
    expect(asked).toEqual([{ type: 'tool_call', call: { id: 'call_one', name: 'stats', input: undefined } }])
  })

  test('a model that stopped at its bound says so', async () => {
    const { model } = await start({ does: 'answer', pieces, reason: 'length' })
    expect((await collect(model)).at(-1)).toMatchObject({ type: 'finish', reason: 'length' })
  })

  test.skipIf(dialect === 'mistral')('an answer that its provider held back says so', async () => {
    const { model } = await start({ does: 'answer', pieces, reason: 'content_filter' })
    expect((await collect(model)).at(-1)).toMatchObject({ type: 'finish', reason: 'filtered' })
  })

  test('a stream of more bytes than an answer has is not read to its end', async () => {
    const { model, standIn } = await start({ does: 'answer', pieces: Array(45).fill('x'.repeat(1024 * 1024)) })
    await expect(collect(model)).rejects.toMatchObject({ code: 'provider_failed' })
    await vi.waitFor(() => expect(standIn.abandoned).toBe(1))
  })
}

function holdsKey(value: string | string[]): boolean {
  const text = String(value)
  return text.includes(key) || Buffer.from(text.replace('Basic ', ''), 'base64').toString().includes(key)
}

/** Returns everything that a log line or a response could show of an error and its causes. */
export function everythingIn(error: unknown): string {
  if (!(error instanceof Error)) return JSON.stringify(error) ?? ''
  return [error.message, error.stack, JSON.stringify(error), everythingIn(error.cause)].join('\n')
}

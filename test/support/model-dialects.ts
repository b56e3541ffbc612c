/** The wire formats in which model providers stream an answer, for ModelStandIn. */

export type Dialect = 'openai' | 'openrouter' | 'azure' | 'ollama' | 'mistral' | 'anthropic' | 'gemini' | 'rig'

export interface SpokenCall {
  id: string
  name: string
  /** The arguments as text, so that they need not be valid JSON. */
  input: string
}

export interface Spoken {
  pieces: readonly string[]
  calls?: readonly SpokenCall[] | undefined
  /** The finish reason in OpenAI's words; `stop` unless given, `tool_calls` with calls. */
  reason?: 'length' | 'content_filter' | undefined
}

/** Token usage under OpenAI's names. */
export const usage = { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 }

export interface Wire {
  type: string
  /** The body before its end, and the end. */
  body(spoken: Spoken): [string, string]
  /** An error inside the stream. */
  errorInside(words: string): string
  /** The body of a refusal. */
  refusal(words: string): unknown
  /** The response to a request for the list of models. */
  models(ids: readonly string[]): unknown
}

export function wireOf(dialect: Dialect): Wire {
  if (dialect === 'anthropic') return anthropic
  if (dialect === 'gemini') return gemini
  if (dialect === 'rig') return rig
  if (dialect === 'mistral') return mistral
  return dialect === 'openrouter' ? completions(': OPENROUTER PROCESSING\n\n') : completions('')
}

function completions(comment: string): Wire {
  return {
    type: 'text/event-stream',
    body: ({ pieces, calls = [], reason }) => {
      const deltas = pieces.map(content => choice({ content }))
      const opening = choice({ role: 'assistant', content: '' })
      const ending = choice({}, reason ?? (calls.length > 0 ? 'tool_calls' : 'stop'))
      return [
        comment + opening + deltas.join(comment) + callsInPieces(calls),
        `${ending}${data({ ...chunk([]), usage })}data: [DONE]\n\n`,
      ]
    },
    errorInside: words => data({ error: { ...openAiError(words), code: 502 } }),
    refusal: words => ({ error: openAiError(words) }),
    models: listOfModels,
  }
}

/** Interleaves the arguments of the calls, a few characters of each at a time. */
function callsInPieces(calls: readonly SpokenCall[]): string {
  const heads = calls.map(({ id, name }, index) =>
    choice({ tool_calls: [{ index, id, type: 'function', function: { name, arguments: '' } }] }),
  )
  const longest = Math.max(0, ...calls.map(({ input }) => input.length))
  const pieces: string[] = []
  for (let at = 0; at < longest; at += 5) {
    for (const [index, { input }] of calls.entries()) {
      const piece = input.slice(at, at + 5)
      if (piece !== '') pieces.push(choice({ tool_calls: [{ index, function: { arguments: piece } }] }))
    }
  }
  return heads.join('') + pieces.join('')
}

/** Sends calls whole, and the usage with the last chunk. */
const mistral: Wire = {
  ...completions(''),
  body: ({ pieces, calls = [], reason }) => {
    const asked = calls.map(({ id, name, input }, index) => ({ id, index, function: { name, arguments: input } }))
    const why = reason === 'content_filter' ? 'error' : (reason ?? (calls.length > 0 ? 'tool_calls' : 'stop'))
    const last = { ...chunk([{ index: 0, delta: { content: '' }, finish_reason: why }]), usage }
    const texts = pieces.map(content => choice({ content })).join('')
    const opening = choice({ role: 'assistant', content: '' })
    return [
      opening + texts + (asked.length === 0 ? '' : choice({ content: '', tool_calls: asked })),
      `${data(last)}data: [DONE]\n\n`,
    ]
  },
  refusal: words => ({ object: 'error', message: words, type: 'invalid_request_error', param: null, code: null }),
}

const anthropic: Wire = {
  type: 'text/event-stream',
  body: ({ pieces, calls = [], reason }) => {
    const message = {
      id: 'msg_1',
      type: 'message',
      role: 'assistant',
      content: [],
      model: 'stand-in-1',
      stop_reason: null,
      stop_sequence: null,
      usage: { input_tokens: usage.prompt_tokens, output_tokens: 1 },
    }
    const text =
      pieces.length === 0
        ? []
        : [
            named('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }),
            named('ping', {}),
            ...pieces.map(piece =>
              named('content_block_delta', { index: 0, delta: { type: 'text_delta', text: piece } }),
            ),
          ]
    const end = pieces.length === 0 ? [] : [named('content_block_stop', { index: 0 })]
    const used = calls.map(({ id, name, input }, at) => {
      const index = at + 1
      const parts = input.match(/[\s\S]{1,5}/g) ?? []
      return [
        named('content_block_start', { index, content_block: { type: 'tool_use', id, name, input: {} } }),
        ...parts.map(partial_json =>
          named('content_block_delta', { index, delta: { type: 'input_json_delta', partial_json } }),
        ),
        named('content_block_stop', { index }),
      ].join('')
    })
    const why = reason === 'length' ? 'max_tokens' : reason === 'content_filter' ? 'refusal' : undefined
    const stop_reason = why ?? (calls.length > 0 ? 'tool_use' : 'end_turn')
    const closing = [
      named('message_delta', {
        delta: { stop_reason, stop_sequence: null },
        usage: { output_tokens: usage.completion_tokens },
      }),
      named('message_stop', {}),
    ]
    const atLast = calls.length === 0 ? [] : [...end, ...used]
    return [
      [named('message_start', { message }), ...text, ...atLast].join(''),
      [...(calls.length === 0 ? end : []), ...closing].join(''),
    ]
  },
  errorInside: words => named('error', { error: { type: 'overloaded_error', message: words } }),
  refusal: words => ({ type: 'error', error: { type: 'invalid_request_error', message: words } }),
  models: ids => ({ data: ids.map(id => ({ type: 'model', id, display_name: id })), has_more: false }),
}

const gemini: Wire = {
  type: 'text/event-stream',
  body: ({ pieces, calls = [], reason }) => {
    const texts = pieces.map(text => data(candidate({ text })))
    const used = calls.map(({ name, input }) => data(candidate({ functionCall: { name, args: JSON.parse(input) } })))
    const finishReason = reason === 'length' ? 'MAX_TOKENS' : reason === 'content_filter' ? 'SAFETY' : 'STOP'
    const last = {
      candidates: [{ content: { parts: [{ text: '' }], role: 'model' }, finishReason, index: 0 }],
      usageMetadata: {
        promptTokenCount: usage.prompt_tokens,
        candidatesTokenCount: usage.completion_tokens,
        totalTokenCount: usage.total_tokens,
      },
      modelVersion: 'stand-in-1',
    }
    return [texts.join('') + used.join(''), data(last)]
  },
  errorInside: words => data({ error: { code: 503, message: words, status: 'UNAVAILABLE' } }),
  refusal: words => ({ error: { code: 400, message: words, status: 'INVALID_ARGUMENT' } }),
  models: ids => ({
    models: ids.map(id => ({
      name: `models/${id}`,
      inputTokenLimit: 1_000_000,
      supportedGenerationMethods: ['generateContent'],
    })),
  }),
}

const rig: Wire = {
  type: 'application/json',
  body: ({ pieces }) => {
    const body = JSON.stringify({ response: pieces.join('') })
    return [body.slice(0, -4), body.slice(-4)]
  },
  errorInside: () => '',
  refusal: words => ({ error: words }),
  models: () => ({}),
}

function candidate(part: unknown) {
  return { candidates: [{ content: { parts: [part], role: 'model' }, index: 0 }], modelVersion: 'stand-in-1' }
}

function listOfModels(ids: readonly string[]) {
  return {
    object: 'list',
    data: ids.map(id => ({ id, object: 'model', created: 1_790_000_000, owned_by: 'stand-in' })),
  }
}

function choice(delta: unknown, finish_reason: string | null = null): string {
  return data(chunk([{ index: 0, delta, finish_reason }]))
}

function chunk(choices: unknown[]) {
  return { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1_790_000_000, model: 'stand-in-1', choices }
}

function openAiError(message: string) {
  return { message, type: 'invalid_request_error', param: null, code: null }
}

function named(type: string, fields: object): string {
  return `event: ${type}\n${data({ type, ...fields })}`
}

function data(value: unknown): string {
  return `data: ${JSON.stringify(value)}\n\n`
}

/** The diagnostic tools that the MCP conformance suite requires. */
import {
  type McpCallContext,
  type McpChange,
  McpError,
  type McpInputRequest,
  type McpInputRequired,
  type McpResult,
} from '../../server/mcp/mcp-port.ts'
import { Problem } from '../../server/platform/problem.ts'

/** A red PNG of 1 × 1 pixel. */
export const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=='
/** A WAV header without samples. */
const wav = 'UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA='
const text = (words: string): McpResult => ({ content: [{ type: 'text', text: words }] })
export const image = { type: 'image' as const, data: png, mimeType: 'image/png' }

type Run = (input: Record<string, unknown>, context: McpCallContext) => Promise<McpResult | McpInputRequired>

interface FixtureTool {
  input?: object
  output?: object
  run: Run
}

export const strings = (names: string[], required = names) => ({
  type: 'object' as const,
  properties: Object.fromEntries(names.map(name => [name, { type: 'string' }])),
  required,
})
export const form = (message: string, requestedSchema: object): McpInputRequest => ({
  method: 'elicitation/create',
  params: { mode: 'form', message, requestedSchema: requestedSchema as never },
})
const cannotAsk = (what: string): McpResult => ({ isError: true, ...text(`The client does not support ${what}.`) })
/** Returns what a user entered, if it has the requested shape. */
export const contentOf = (answer: unknown): Record<string, unknown> | undefined => {
  if (typeof answer !== 'object' || answer === null || !('content' in answer)) return undefined
  const { content } = answer
  return typeof content === 'object' && content !== null && !Array.isArray(content) ? { ...content } : undefined
}
const asks = (inputRequests: Record<string, McpInputRequest>, state?: unknown): McpInputRequired => ({
  inputRequests,
  state,
  otherwise: cannotAsk('what this tool asks for'),
})
const sample = (words: string, maxTokens: number): McpInputRequest => ({
  method: 'sampling/createMessage',
  params: { messages: [{ role: 'user', content: { type: 'text', text: words } }], maxTokens },
})
const textOf = (answer: unknown) => JSON.stringify(answer ?? null)

/** Diagnostic tools pause so that their notifications arrive separately. */
const aMoment = () => new Promise(resolve => setTimeout(resolve, 20))

const schema2020 = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  $defs: {
    address: {
      $anchor: 'addressDef',
      type: 'object',
      properties: { street: { type: 'string' }, city: { type: 'string' } },
    },
  },
  properties: {
    name: { type: 'string' },
    address: { $ref: '#/$defs/address' },
    contactMethod: { type: 'string', enum: ['phone', 'email'] },
    phone: { type: 'string' },
    email: { type: 'string' },
  },
  allOf: [{ anyOf: [{ required: ['phone'] }, { required: ['email'] }] }],
  if: { properties: { contactMethod: { const: 'phone' } }, required: ['contactMethod'] },
  // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema.
  then: { required: ['phone'] },
  else: { required: ['email'] },
  additionalProperties: false,
}

const defaults = {
  type: 'object',
  properties: {
    name: { type: 'string', default: 'John Doe' },
    age: { type: 'integer', default: 30 },
    score: { type: 'number', default: 95.5 },
    status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
    verified: { type: 'boolean', default: true },
  },
  required: [],
}

const titled = (names: string[], title: string) =>
  names.map((name, index) => ({ const: name, title: `${['First', 'Second', 'Third'][index]} ${title}` }))
const enums = {
  type: 'object',
  properties: {
    untitledSingle: { type: 'string', enum: ['option1', 'option2', 'option3'] },
    titledSingle: { type: 'string', oneOf: titled(['value1', 'value2', 'value3'], 'Option') },
    legacyEnum: {
      type: 'string',
      enum: ['opt1', 'opt2', 'opt3'],
      enumNames: ['Option One', 'Option Two', 'Option Three'],
    },
    untitledMulti: { type: 'array', items: { type: 'string', enum: ['option1', 'option2', 'option3'] } },
    titledMulti: { type: 'array', items: { anyOf: titled(['value1', 'value2', 'value3'], 'Choice') } },
  },
  required: [],
}

/** Elicits once, and returns what came. */
const elicits =
  (
    request: (input: Record<string, unknown>) => McpInputRequest,
    said: (answer: Record<string, unknown>) => string,
  ): Run =>
  async (input, { inputResponses }) => {
    const answer = inputResponses?.answer as Record<string, unknown> | undefined
    return answer ? text(said(answer)) : asks({ answer: request(input) })
  }
/** Progress of calls of the tool `wait`, none of which ends on its own. */
export interface Waiting {
  count: number
  aborted: number
}

export function fixtureTools(publish: (change: McpChange) => void, waiting: Waiting): Record<string, FixtureTool> {
  const answers: Record<string, Run> = {
    test_simple_text: async () => text('This is a simple text response for testing.'),
    test_image_content: async () => ({ content: [image] }),
    test_audio_content: async () => ({ content: [{ type: 'audio', data: wav, mimeType: 'audio/wav' }] }),
    test_embedded_resource: async () => ({
      content: [
        {
          type: 'resource',
          resource: {
            uri: 'test://embedded-resource',
            mimeType: 'text/plain',
            text: 'This is an embedded resource content.',
          },
        },
      ],
    }),
    test_multiple_content_types: async () => ({
      content: [
        { type: 'text', text: 'Multiple content types test:' },
        image,
        {
          type: 'resource',
          resource: {
            uri: 'test://mixed-content-resource',
            mimeType: 'application/json',
            text: '{"test":"data","value":123}',
          },
        },
      ],
    }),
    test_error_handling: async () => ({
      isError: true,
      ...text('This tool intentionally returns an error for testing'),
    }),
    test_tool_with_progress: async (_input, { progress }) => {
      for (const now of [0, 50, 100]) {
        progress({ progress: now, total: 100 })
        await aMoment()
      }
      return text('Done.')
    },
    test_tool_with_logging: async (_input, { log }) => {
      for (const data of ['Tool execution started', 'Tool processing data', 'Tool execution completed']) {
        log?.({ level: 'info', data })
        await aMoment()
      }
      return text('Logged.')
    },
    test_logging_tool: async (_input, { log }) => {
      log?.({ level: 'info', data: 'A log message' })
      return text('Logged.')
    },
    test_missing_capability: async (_input, { capabilities }) => {
      if (capabilities.sampling) return text('It can be asked.')
      throw new McpError(-32_021, 'The client does not support sampling', { requiredCapabilities: { sampling: {} } })
    },
    test_streaming_elicitation: async (_input, { progress, inputResponses }) => {
      progress({ progress: 1 })
      if (inputResponses) return text(textOf(inputResponses))
      return asks({ answer: form('Go on?', strings(['word'])) })
    },
    test_trigger_tool_change: async () => {
      publish({ of: 'tools' })
      return text('Told.')
    },
    test_trigger_prompt_change: async () => {
      publish({ of: 'prompts' })
      return text('Told.')
    },
    /** Tools for the adapters' suite. */
    structured: async () => ({ ...text('{"sum":3}'), structuredContent: { sum: 3 } }),
    bug: async () => {
      throw new Error('SECRET of the inside')
    },
    refused: async () => {
      throw new Problem('forbidden', 'This requires another scope.')
    },
    wait: (_input, { signal }) => {
      waiting.count++
      return new Promise((resolve, reject) => {
        const end = () => {
          waiting.aborted++
          if (signal.reason instanceof Problem) resolve({ isError: true, ...text(signal.reason.message) })
          else reject(new Error('gone'))
        }
        if (signal.aborted) end()
        signal.addEventListener('abort', end, { once: true })
      })
    },
    whoami: async (_input, { caller, revision, peer, capabilities }) =>
      text(JSON.stringify({ id: caller.principal.id, revision, peer, capabilities })),
    open_page: async (_input, { inputResponses, state }) => {
      if (inputResponses) return text(`opened ${textOf(inputResponses.page)} ${textOf(state)}`)
      const params = { mode: 'url' as const, message: 'Open it', url: 'https://x.example/1', elicitationId: 'e1' }
      return asks({ page: { method: 'elicitation/create', params } }, { page: 1 })
    },
  }
  return {
    ...Object.fromEntries(Object.entries(answers).map(([name, run]) => [name, { run }])),
    test_sampling: {
      input: strings(['prompt']),
      run: async ({ prompt }, { inputResponses }) => {
        const answer = inputResponses?.answer as { content?: { text?: string } } | undefined
        if (!answer) return asks({ answer: sample(String(prompt), 100) })
        return text(`LLM response: ${answer.content?.text}`)
      },
    },
    test_elicitation: {
      input: strings(['message']),
      run: elicits(
        ({ message }) => form(String(message), strings(['username', 'email'])),
        ({ action, content }) => `User response: action=${action}, content=${textOf(content)}`,
      ),
    },
    test_elicitation_sep1034_defaults: {
      run: elicits(
        () => form('Please review', defaults),
        ({ action, content }) => `Elicitation completed: action=${action}, content=${textOf(content)}`,
      ),
    },
    test_elicitation_sep1330_enums: {
      run: elicits(
        () => form('Please choose', enums),
        ({ action, content }) => `Elicitation completed: action=${action}, content=${textOf(content)}`,
      ),
    },
    json_schema_2020_12_tool: { input: schema2020, run: async input => text(textOf(input)) },
    ...roundTools(),
  }
}

function roundTools(): Record<string, FixtureTool> {
  const name = form('What is your name?', strings(['name']))
  const roots: McpInputRequest = { method: 'roots/list', params: {} }
  const confirm = form('Please confirm', {
    type: 'object',
    properties: { ok: { type: 'boolean' } },
    required: ['ok'],
  })
  const runs: Record<string, Run> = {
    elicitation: async (_input, { inputResponses }) => {
      const given = contentOf(inputResponses?.user_name)?.name
      return typeof given === 'string' ? text(`Hello, ${given}!`) : asks({ user_name: name })
    },
    sampling: async (_input, { inputResponses }) => {
      const answer = inputResponses?.capital_question
      return answer ? text(textOf(answer)) : asks({ capital_question: sample('What is the capital of France?', 100) })
    },
    list_roots: async (_input, { inputResponses }) => {
      const answer = inputResponses?.client_roots
      return answer ? text(textOf(answer)) : asks({ client_roots: roots })
    },
    request_state: async (_input, { inputResponses, state }) => {
      if (!inputResponses?.confirm) return asks({ confirm }, { round: 1 })
      return text(textOf(state) === '{"round":1}' ? 'state-ok' : 'state-lost')
    },
    multiple_inputs: async (_input, { inputResponses }) => {
      if (inputResponses?.user_name && inputResponses.greeting && inputResponses.client_roots)
        return text(textOf(inputResponses))
      const greeting = sample('Generate a greeting', 50)
      return asks({ user_name: name, greeting, client_roots: roots }, { round: 1 })
    },
    multi_round: async (_input, { inputResponses, state }) => {
      const { round } = (state ?? { round: 0 }) as { round: number }
      if (round === 2 && inputResponses?.step2) return text('All steps are done.')
      if (round >= 1 && inputResponses?.step1)
        return asks({ step2: form('Step 2: What is your favorite color?', strings(['color'])) }, { round: 2 })
      return asks({ step1: form('Step 1: What is your name?', strings(['name'])) }, { round: 1 })
    },
    tampered_state: async (_input, { inputResponses }) =>
      inputResponses?.confirm ? text('state-ok') : asks({ confirm }, { secret: 'of nobody' }),
    capabilities: async (_input, { capabilities, inputResponses }) => {
      if (inputResponses) return text(textOf(inputResponses))
      const requests: Record<string, McpInputRequest> = {}
      if (capabilities.elicitation) requests.user_name = name
      if (capabilities.sampling) requests.greeting = sample('Generate a greeting', 50)
      if (capabilities.roots) requests.client_roots = roots
      return Object.keys(requests).length > 0 ? asks(requests) : cannotAsk('anything')
    },
  }
  const named = Object.entries(runs).map(([of, run]) => [`test_input_required_result_${of}`, { run }])
  return Object.fromEntries(named)
}

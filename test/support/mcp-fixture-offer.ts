/**
 * An in-memory offer with the diagnostic tools, resources and prompts that the MCP conformance suite requires, and a
 * streaming extension.
 */
import {
  type McpCallContext,
  type McpChange,
  McpError,
  type McpExtension,
  type McpInputRequired,
  type McpOffer,
  type McpPrompt,
  type McpPromptResult,
  type McpTool,
  mcpErrors,
} from '../../server/mcp/mcp-port.ts'
import { Problem } from '../../server/platform/problem.ts'
import { contentOf, fixtureTools, form, image, png, strings, type Waiting } from './mcp-fixture-tools.ts'

export interface FixtureOffer extends McpOffer {
  readonly waiting: Waiting
  /** The calls of tools so far, in order. */
  readonly calls: { name: string; context: McpCallContext }[]
}

export interface FixtureOptions {
  /** Publishes a change, which the host reports to its listeners. */
  publish?(change: McpChange): void
}

export function createFixtureOffer({ publish = () => undefined }: FixtureOptions = {}): FixtureOffer {
  const waiting = { count: 0, aborted: 0 }
  const calls: FixtureOffer['calls'] = []
  const tools = fixtureTools(publish, waiting)
  const listed: McpTool[] = Object.entries(tools).map(([name, { input = strings([]), output }]) => ({
    name,
    title: name.replaceAll('_', ' '),
    description: `Diagnostic tool ${name}.`,
    inputSchema: input as McpTool['inputSchema'],
    ...(output ? { outputSchema: output as McpTool['outputSchema'] } : {}),
    annotations: { readOnlyHint: true },
  }))
  return {
    waiting,
    calls,
    info: { name: 'fixture', title: 'Fixture', version: '1.0.0', instructions: 'For tests.' },
    extensions: [counter],
    has: { resources: true, prompts: true, completions: true, logging: true },
    catalogue: () => ({ tools: listed, resources, resourceTemplates, prompts }),
    call: async (name, input, context) => {
      calls.push({ name, context })
      const tool = tools[name]
      if (!tool) throw new McpError(mcpErrors.invalidParams, `There is no tool ${name}.`)
      return tool.run({ ...(input as object) }, context)
    },
    readResource: async uri => readFixture(uri),
    checkSubscription: async uri => {
      if (uri.startsWith('test://forbidden')) throw new Problem('forbidden', 'You may not see this.')
      if (!uri.startsWith('test://')) throw notFound(uri)
    },
    getPrompt: async (name, input, context) => promptOf(name, input, context),
    complete: async (_of, { value }) => ({
      values: ['paris', 'park', 'party'].filter(word => word.startsWith(value)),
      total: 3,
      hasMore: false,
    }),
  }
}

const resources = [
  { uri: 'test://static-text', name: 'Static text', description: 'Text that stays.', mimeType: 'text/plain' },
  { uri: 'test://static-binary', name: 'Static binary', description: 'An image.', mimeType: 'image/png' },
  { uri: 'test://watched-resource', name: 'Watched', description: 'It changes.', mimeType: 'text/plain' },
]
const resourceTemplates = [
  {
    uriTemplate: 'test://template/{id}/data',
    name: 'Template',
    description: 'Data of an id.',
    mimeType: 'application/json',
  },
]

function readFixture(uri: string) {
  if (uri === 'test://static-text' || uri === 'test://watched-resource')
    return [{ uri, mimeType: 'text/plain', text: 'This is the content of the static text resource.' }]
  if (uri === 'test://static-binary') return [{ uri, mimeType: 'image/png', blob: png }]
  if (uri === 'test://forbidden') throw new Problem('forbidden', 'You may not see this.')
  const id = /^test:\/\/template\/([^/]+)\/data$/.exec(uri)?.[1]
  if (id === undefined) throw notFound(uri)
  const data = JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` })
  return [{ uri, mimeType: 'application/json', text: data }]
}

function notFound(uri: string): McpError {
  return new McpError(mcpErrors.invalidParams, 'Resource not found', { uri })
}

const argument = (name: string) => ({ name, description: `Argument ${name}`, required: true })
const prompts: McpPrompt[] = [
  { name: 'test_simple_prompt', description: 'Simple.' },
  { name: 'test_prompt_with_arguments', description: 'Two arguments.', arguments: ['arg1', 'arg2'].map(argument) },
  { name: 'test_prompt_with_embedded_resource', description: 'A resource.', arguments: [argument('resourceUri')] },
  { name: 'test_prompt_with_image', description: 'An image.' },
  { name: 'test_input_required_result_prompt', description: 'Asks first.' },
]

function promptOf(
  name: string,
  input: Record<string, string>,
  { inputResponses }: McpCallContext,
): McpPromptResult | McpInputRequired<McpPromptResult> {
  const user = (content: McpPromptResult['messages'][number]['content']) => ({ role: 'user' as const, content })
  const says = (words: string) => user({ type: 'text', text: words })
  if (name === 'test_simple_prompt') return { messages: [says('This is a simple prompt for testing.')] }
  if (name === 'test_prompt_with_arguments')
    return { messages: [says(`Prompt with arguments: arg1='${input.arg1}', arg2='${input.arg2}'`)] }
  if (name === 'test_prompt_with_embedded_resource') {
    const resource = {
      uri: input.resourceUri ?? '',
      mimeType: 'text/plain',
      text: 'Embedded resource content for testing.',
    }
    return { messages: [user({ type: 'resource', resource }), says('Please process the embedded resource above.')] }
  }
  if (name === 'test_prompt_with_image') return { messages: [user(image), says('Please analyze the image above.')] }
  if (name !== 'test_input_required_result_prompt')
    throw new McpError(mcpErrors.invalidParams, `There is no prompt ${name}.`)
  const context = contentOf(inputResponses?.user_context)?.context
  if (typeof context === 'string') return { messages: [says(`Context: ${context}`)] }
  const user_context = form('What context should the prompt use?', strings(['context']))
  return { inputRequests: { user_context }, state: undefined, otherwise: undefined }
}

/** Counts to a number, or for as long as it is read. */
const counter: McpExtension = {
  name: 'example.org/counter',
  settings: { steps: 1 },
  methods: {
    'counter/add': {
      isStream: false,
      answer: async ({ a, b }) => {
        if (typeof a !== 'number' || typeof b !== 'number') throw new McpError(mcpErrors.invalidParams, 'Two numbers.')
        return { sum: a + b }
      },
    },
    'counter/stream': {
      isStream: true,
      answer: async (_params, { notify, signal, id }) => {
        let count = 0
        while (!signal.aborted) await notify('notifications/counter', { id, count: count++ })
        return { count }
      },
    },
  },
}

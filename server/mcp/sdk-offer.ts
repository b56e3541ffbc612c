/** The SDK's `Server` over an offer: each method of the protocol calls the offer. */
import type { Server, ServerCapabilities } from '@modelcontextprotocol/server'
import { z } from 'zod'
import { isObject } from './mcp-frames.ts'
import type { McpExtension, McpInputRequired, McpReference, McpRevision } from './mcp-port.ts'
import { contextOf, notify, type SdkMemory, type SdkScope, toInputRequired, translated } from './sdk-context.ts'
import { PlainServer } from './sdk-server.ts'

/** Newest first; the first is offered if an unknown one is asked for. */
const legacyRevisions: McpRevision[] = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05']
const anyParams = z.looseObject({})

/** Returns what the SDK negotiates with a client that asks for this revision. */
export function legacyRevisionOf(asked: unknown): McpRevision {
  return legacyRevisions.find(revision => revision === asked) ?? '2025-11-25'
}

/** Creates the server of one connection or one request. */
export function serverFor(scope: SdkScope): Server {
  const { name, title, version, instructions } = scope.offer.info
  const options = { capabilities: capabilitiesOf(scope), instructions, supportedProtocolVersions: legacyRevisions }
  const server = new PlainServer({ name, title, version }, options)
  handleTools(server, scope)
  if (scope.offer.has.resources) handleResources(server, scope)
  if (scope.offer.has.prompts) handlePrompts(server, scope)
  if (scope.offer.has.completions) handleCompletion(server, scope)
  if (scope.era === 'legacy' && scope.memory) handleMemory(server, scope, scope.memory)
  for (const extension of scope.offer.extensions) handleExtension(server, extension, scope)
  return server
}

function capabilitiesOf({ offer: { has, extensions }, canTell, experimental }: SdkScope): ServerCapabilities {
  const listChanged = canTell
  const named = Object.fromEntries(extensions.map(({ name, settings }) => [name, settings]))
  const capabilities = {
    tools: { listChanged },
    ...(has.resources ? { resources: { listChanged, subscribe: listChanged } } : {}),
    ...(has.prompts ? { prompts: { listChanged } } : {}),
    ...(has.completions ? { completions: {} } : {}),
    ...(has.logging ? { logging: {} } : {}),
    ...Object.assign({}, ...extensions.map(extension => extension.capabilities)),
    ...(extensions.length > 0 ? { extensions: named } : {}),
    ...(experimental ? { experimental } : {}),
  }
  // Settings of extensions are JSON, which the SDK's type spells out and ours does not.
  return capabilities as ServerCapabilities
}

function handleTools(server: Server, scope: SdkScope): void {
  const { offer } = scope
  server.setRequestHandler('tools/list', (_request, context) =>
    translated(scope, context, async () => ({ tools: (await offer.catalogue(contextOf(scope, context))).tools })),
  )
  server.setRequestHandler('tools/call', ({ params: { name, arguments: input } }, context) =>
    translated(scope, context, async () => {
      const asking = contextOf(scope, context, name)
      const answer = await offer.call(name, input, asking)
      return isInputRequired(answer) ? toInputRequired(answer, { scope, asking, context, name }) : { ...answer }
    }),
  )
}

function handleResources(server: Server, scope: SdkScope): void {
  const { offer } = scope
  server.setRequestHandler('resources/list', (_request, context) =>
    translated(scope, context, async () => ({
      resources: (await offer.catalogue(contextOf(scope, context))).resources,
    })),
  )
  server.setRequestHandler('resources/templates/list', (_request, context) =>
    translated(scope, context, async () => {
      const { resourceTemplates } = await offer.catalogue(contextOf(scope, context))
      return { resourceTemplates }
    }),
  )
  server.setRequestHandler('resources/read', ({ params: { uri } }, context) =>
    translated(scope, context, async () => ({
      contents: await offer.readResource(uri, contextOf(scope, context, uri)),
    })),
  )
}

function handlePrompts(server: Server, scope: SdkScope): void {
  const { offer } = scope
  server.setRequestHandler('prompts/list', (_request, context) =>
    translated(scope, context, async () => ({ prompts: (await offer.catalogue(contextOf(scope, context))).prompts })),
  )
  server.setRequestHandler('prompts/get', ({ params: { name, arguments: input = {} } }, context) =>
    translated(scope, context, async () => {
      const asking = contextOf(scope, context, name)
      const answer = await offer.getPrompt(name, input, asking)
      return isInputRequired(answer) ? toInputRequired(answer, { scope, asking, context, name }) : { ...answer }
    }),
  )
}

function handleCompletion(server: Server, scope: SdkScope): void {
  server.setRequestHandler('completion/complete', ({ params: { ref, argument, context: given } }, context) =>
    translated(scope, context, async () => {
      const asking = contextOf(scope, context)
      const of: McpReference = ref.type === 'ref/prompt' ? { type: ref.type, name: ref.name } : ref
      return { completion: { ...(await scope.offer.complete(of, argument, given?.arguments ?? {}, asking)) } }
    }),
  )
}

/** Registers methods from before 2026; since then clients listen. */
function handleMemory(server: Server, scope: SdkScope, memory: SdkMemory): void {
  const { offer } = scope
  if (offer.has.logging) {
    server.setRequestHandler('logging/setLevel', ({ params }) => {
      memory.logLevel = params.level
      return {}
    })
  }
  if (!offer.has.resources) return
  server.setRequestHandler('resources/subscribe', ({ params: { uri } }, context) =>
    translated(scope, context, async () => {
      const asking = contextOf(scope, context)
      await offer.checkSubscription(uri, asking)
      memory.subscribe(uri, asking)
      return {}
    }),
  )
  server.setRequestHandler('resources/unsubscribe', ({ params: { uri } }, context) => {
    memory.unsubscribe(uri, contextOf(scope, context))
    return {}
  })
}

function handleExtension(server: Server, { methods }: McpExtension, scope: SdkScope): void {
  for (const [method, { answer, isStream }] of Object.entries(methods)) {
    server.setRequestHandler(method, { params: anyParams }, ({ _meta, ...params }, context) =>
      translated(scope, context, () => {
        const { mcpReq } = context
        const asking = contextOf(scope, context)
        const signal = isStream ? AbortSignal.any([asking.signal, scope.closing]) : asking.signal
        const tell = (name: string, about: Record<string, unknown>) => notify(scope, mcpReq, name, about)
        return answer(params, { ...asking, signal, id: mcpReq.id, notify: tell })
      }),
    )
  }
}

function isInputRequired<Result extends object>(
  answer: Result | McpInputRequired<Result>,
): answer is McpInputRequired<Result> {
  return 'inputRequests' in answer && isObject(answer.inputRequests)
}

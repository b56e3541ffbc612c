/** The offer as the service watches it: who calls is told, what runs for a session takes its place among the calls under way, and what came of each is told. */
import type { Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import type { ExchangeKind, ExchangeRegistry } from './exchange-registry.ts'
import {
  type McpCallAsking,
  McpError,
  type McpExtension,
  type McpExtensionMethod,
  type McpOffer,
  mcpErrors,
} from './mcp-port.ts'

export interface Watching {
  exchanges: Pick<ExchangeRegistry, 'open'>
  /** Hears who asks, and how, each time; must not throw. */
  met(asking: McpCallAsking): void
}

/**
 * Who asks in a session of stdio is looked up for each call, as it is for each request over HTTP. A request over Streamable HTTP is an exchange of its own and counted as that. The messages of a session (SSE, stdio) are answered
 * elsewhere than where they came, so each is counted here, bounded in time, and ended with what its principal may.
 */
export function watchedOffer(offer: McpOffer, { exchanges, met }: Watching): McpOffer {
  const counted = async <Asking extends McpCallAsking, T>(
    given: Asking,
    work: (asking: Asking) => Promise<T>,
    kind: ExchangeKind = 'call',
  ): Promise<T> => {
    const now = current(given)
    // In this same turn where it is known at once, so that no change of rights falls between.
    const asking = now instanceof Promise ? await now : now
    met(asking)
    if ((asking.transport ?? 'http') === 'http') return work(asking)
    const ending = new AbortController()
    const cut = Promise.withResolvers<never>()
    const close = exchanges.open(asking.caller.principal, {
      kind,
      toolsChanged: () => undefined,
      end: problem => ending.abort(problem),
      // What does not end though it was told to is not waited for.
      cut: () => cut.reject(new Problem('overloaded', 'This call did not end in time.')),
    })
    const running = work({ ...asking, signal: AbortSignal.any([asking.signal, ending.signal]) })
    try {
      return await Promise.race([running, cut.promise])
    } finally {
      close()
      cut.promise.catch(() => undefined)
    }
  }
  const watchedMethod = ({ isStream, answer }: McpExtensionMethod): McpExtensionMethod => ({
    isStream,
    answer: (params, asking) => counted(asking, watched => answer(params, watched), isStream ? 'events' : 'call'),
  })
  const watchedExtension = ({ methods, ...extension }: McpExtension): McpExtension => ({
    ...extension,
    methods: Object.fromEntries(Object.entries(methods).map(([name, method]) => [name, watchedMethod(method)])),
  })
  return {
    info: offer.info,
    extensions: offer.extensions.map(watchedExtension),
    has: offer.has,
    catalogue: async given => {
      const asking = await current(given)
      met(asking)
      return offer.catalogue(asking)
    },
    call: (name, input, asking) => counted(asking, watched => offer.call(name, input, watched)),
    readResource: (uri, asking) => counted(asking, watched => offer.readResource(uri, watched)),
    checkSubscription: (uri, asking) => counted(asking, watched => offer.checkSubscription(uri, watched)),
    getPrompt: (name, input, asking) => counted(asking, watched => offer.getPrompt(name, input, watched)),
    complete: (of, argument, given, asking) => counted(asking, watched => offer.complete(of, argument, given, watched)),
  }
}

/** @throws Problem */
function current<Asking extends McpCallAsking>(asking: Asking): Asking | Promise<Asking> {
  const found = asking.principalNow?.()
  if (found === undefined) return asking
  const as = (principal: Principal) => ({ ...asking, caller: { ...asking.caller, principal } })
  return found instanceof Promise ? found.then(as) : as(found)
}

export interface EndedOperation {
  asking: McpCallAsking
  method: string
  /** `refused`: an error of the caller or a rule; `failed`: one of the server. */
  outcome: 'ok' | 'refused' | 'failed'
  durationMs: number
}

/**
 * Telling what came of each operation: the answer of a request over HTTP is one, whether it is a result or an error. Calls of tools are told by
 * their Toolbox. @param ended Must not throw.
 */
export function toldOffer(offer: McpOffer, ended: (operation: EndedOperation) => void): McpOffer {
  const told = async <T>(method: string, asking: McpCallAsking, work: () => Promise<T>): Promise<T> => {
    const began = performance.now()
    const end = (outcome: EndedOperation['outcome']) =>
      ended({ asking, method, outcome, durationMs: performance.now() - began })
    try {
      const result = await work()
      end('ok')
      return result
    } catch (error) {
      end(outcomeOf(error, asking.signal))
      throw error
    }
  }
  return {
    info: offer.info,
    extensions: offer.extensions.map(extension => toldExtension(extension, told)),
    has: offer.has,
    catalogue: asking => offer.catalogue(asking),
    call: (name, input, asking) => offer.call(name, input, asking),
    readResource: (uri, asking) => told('resources/read', asking, () => offer.readResource(uri, asking)),
    checkSubscription: (uri, asking) => told('resources/subscribe', asking, () => offer.checkSubscription(uri, asking)),
    getPrompt: (name, input, asking) => told('prompts/get', asking, () => offer.getPrompt(name, input, asking)),
    complete: (of, argument, given, asking) =>
      told('completion/complete', asking, () => offer.complete(of, argument, given, asking)),
  }
}

type Told = <T>(method: string, asking: McpCallAsking, work: () => Promise<T>) => Promise<T>

function toldExtension(extension: McpExtension, told: Told): McpExtension {
  const methods = Object.entries(extension.methods).map(([name, method]) => {
    const answer: typeof method.answer = (params, asking) => told(name, asking, () => method.answer(params, asking))
    return [name, { ...method, answer }] as const
  })
  return { ...extension, methods: Object.fromEntries(methods) }
}

function outcomeOf(error: unknown, signal: AbortSignal): EndedOperation['outcome'] {
  if (error instanceof McpError) return error.code === mcpErrors.internal ? 'failed' : 'refused'
  if (error instanceof Problem) return error.status < 500 ? 'refused' : 'failed'
  // A client that went away is no fault of ours.
  return signal.aborted ? 'ok' : 'failed'
}

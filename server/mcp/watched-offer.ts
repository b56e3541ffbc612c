/**
 * Wraps the offer for the service: callers are reported, calls of sessions are registered as exchanges, and outcomes
 * are reported.
 */
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
  /** Called with each request; must not throw. */
  met(asking: McpCallAsking): void
}

/**
 * Looks up the caller of stdio for each call, as for each request over HTTP. A request of Streamable HTTP is an
 * exchange already. Messages of a session (SSE, stdio) are answered on another channel, so each is registered here,
 * gets a deadline, and ends with the rights of its principal.
 */
export function watchedOffer(offer: McpOffer, { exchanges, met }: Watching): McpOffer {
  const counted = async <Asking extends McpCallAsking, T>(
    given: Asking,
    work: (asking: Asking) => Promise<T>,
    kind: ExchangeKind = 'call',
  ): Promise<T> => {
    const now = current(given)
    // Continues in the same turn if possible, so that no change of rights is missed.
    const asking = now instanceof Promise ? await now : now
    met(asking)
    if ((asking.transport ?? 'http') === 'http') return work(asking)
    const ending = new AbortController()
    const cut = Promise.withResolvers<never>()
    const close = exchanges.open(asking.caller.principal, {
      kind,
      toolsChanged: () => undefined,
      end: problem => ending.abort(problem),
      // A call that ignores its end is not waited for.
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
 * Reports the outcome of each operation: over HTTP the status does not tell a result from an error. The Toolbox reports
 * tool calls. @param ended Must not throw.
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
  // A client that disconnected is not a fault of ours.
  return signal.aborted ? 'ok' : 'failed'
}

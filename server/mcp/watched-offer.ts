/**
 * Wraps the offer for the service: callers are reported, calls of sessions are registered as exchanges, and outcomes
 * are reported.
 */
import type { Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import type { ExchangeKind, ExchangeRegistry } from './exchange-registry.ts'
import {
  type McpCallContext,
  McpError,
  type McpExtension,
  type McpExtensionMethod,
  type McpOffer,
  mcpErrors,
} from './mcp-port.ts'

export interface Watching {
  exchanges: Pick<ExchangeRegistry, 'open'>
  observer: {
    /** Called with each request; must not throw. */
    met(context: McpCallContext): void
  }
}

/**
 * Looks up the caller of stdio for each call, as for each request over HTTP. A request of Streamable HTTP is an
 * exchange already. Messages of a session (SSE, stdio) are answered on another channel, so each is registered here,
 * gets a deadline, and ends with the rights of its principal.
 */
export function watchedOffer(offer: McpOffer, { exchanges, observer }: Watching): McpOffer {
  const counted = async <Asking extends McpCallContext, T>(
    given: Asking,
    work: (context: Asking) => Promise<T>,
    kind: ExchangeKind = 'call',
  ): Promise<T> => {
    const now = current(given)
    // Continues in the same turn if possible, so that no change of rights is missed.
    const context = now instanceof Promise ? await now : now
    observer.met(context)
    if ((context.transport ?? 'http') === 'http') return work(context)
    const ending = new AbortController()
    const cut = Promise.withResolvers<never>()
    const close = exchanges.open(context.caller.principal, {
      kind,
      toolsChanged: () => undefined,
      end: problem => ending.abort(problem),
      // A call that ignores its end is not waited for.
      cut: () => cut.reject(new Problem('overloaded', 'This call did not end in time.')),
    })
    const running = work({ ...context, signal: AbortSignal.any([context.signal, ending.signal]) })
    try {
      return await Promise.race([running, cut.promise])
    } finally {
      close()
      cut.promise.catch(() => undefined)
    }
  }
  const watchedMethod = ({ isStream, answer }: McpExtensionMethod): McpExtensionMethod => ({
    isStream,
    answer: (params, context) => counted(context, watched => answer(params, watched), isStream ? 'events' : 'call'),
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
      const context = await current(given)
      observer.met(context)
      return offer.catalogue(context)
    },
    call: (name, input, context) => counted(context, watched => offer.call(name, input, watched)),
    readResource: (uri, context) => counted(context, watched => offer.readResource(uri, watched)),
    checkSubscription: (uri, context) => counted(context, watched => offer.checkSubscription(uri, watched)),
    getPrompt: (name, input, context) => counted(context, watched => offer.getPrompt(name, input, watched)),
    complete: (of, argument, given, context) =>
      counted(context, watched => offer.complete(of, argument, given, watched)),
  }
}

/** @throws Problem */
function current<Asking extends McpCallContext>(context: Asking): Asking | Promise<Asking> {
  const found = context.principalNow?.()
  if (found === undefined) return context
  const as = (principal: Principal) => ({ ...context, caller: { ...context.caller, principal } })
  return found instanceof Promise ? found.then(as) : as(found)
}

export interface EndedOperation {
  context: McpCallContext
  method: string
  /** `refused`: an error of the caller or a rule; `failed`: one of the server. */
  outcome: 'ok' | 'refused' | 'failed'
  durationMs: number
}

/**
 * Reports the outcome of each operation: over HTTP the status does not tell a result from an error. The Toolbox reports
 * tool calls. @param ended Must not throw.
 */
export function observedOffer(offer: McpOffer, ended: (operation: EndedOperation) => void): McpOffer {
  const observe = async <T>(method: string, context: McpCallContext, work: () => Promise<T>): Promise<T> => {
    const began = performance.now()
    const end = (outcome: EndedOperation['outcome']) =>
      ended({ context, method, outcome, durationMs: performance.now() - began })
    try {
      const result = await work()
      end('ok')
      return result
    } catch (error) {
      end(outcomeOf(error, context.signal))
      throw error
    }
  }
  return {
    info: offer.info,
    extensions: offer.extensions.map(extension => observedExtension(extension, observe)),
    has: offer.has,
    catalogue: context => offer.catalogue(context),
    call: (name, input, context) => offer.call(name, input, context),
    readResource: (uri, context) => observe('resources/read', context, () => offer.readResource(uri, context)),
    checkSubscription: (uri, context) =>
      observe('resources/subscribe', context, () => offer.checkSubscription(uri, context)),
    getPrompt: (name, input, context) => observe('prompts/get', context, () => offer.getPrompt(name, input, context)),
    complete: (of, argument, given, context) =>
      observe('completion/complete', context, () => offer.complete(of, argument, given, context)),
  }
}

type Observe = <T>(method: string, context: McpCallContext, work: () => Promise<T>) => Promise<T>

function observedExtension(extension: McpExtension, observe: Observe): McpExtension {
  const methods = Object.entries(extension.methods).map(([name, method]) => {
    const answer: typeof method.answer = (params, context) =>
      observe(name, context, () => method.answer(params, context))
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

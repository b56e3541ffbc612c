/** The offer as the service watches it: who calls is told, and what runs for a session takes its place among the calls under way. */
import type { Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import type { ExchangeKind, ExchangeRegistry } from './exchange-registry.ts'
import type { McpCallAsking, McpExtension, McpExtensionMethod, McpOffer } from './mcp-port.ts'

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

/** The offer, telling what came of each of its operations: the answer of a request over HTTP is one, whether it is a result or an error. */
import { Problem } from '../platform/problem.ts'
import { type McpCallAsking, McpError, type McpExtension, type McpOffer, mcpErrors } from './mcp-port.ts'

export interface EndedOperation {
  asking: McpCallAsking
  method: string
  /** `refused`: an error of the caller or a rule; `failed`: one of the server. */
  outcome: 'ok' | 'refused' | 'failed'
  durationMs: number
}

/** Calls of tools are told by their Toolbox. @param ended Must not throw. */
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

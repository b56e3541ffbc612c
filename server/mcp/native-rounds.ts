/**
 * Calls that a human has to answer before they continue: round trips with a signed state since 2026, requests to the
 * client before.
 */
import { acceptsRequest, missingCapability, missingFor } from './input-requests.ts'
import { type McpCallContext, McpError, type McpInputRequest, type McpInputRequired, mcpErrors } from './mcp-port.ts'
import { type Call, contextOf, isModern } from './native-call.ts'
import { isObject, requestText } from './native-frames.ts'
import { bounds } from './native-protocol.ts'
import type { RequestState } from './request-state.ts'

/** The fields common to all revisions. */
export interface InputRequired {
  resultType: 'input_required'
  inputRequests: Record<string, unknown>
  requestState?: string
}

export interface Rounds<Result> {
  /** Name of the tool or prompt. */
  name: string
  state: RequestState
  hasLog: boolean
  run(context: McpCallContext): Promise<Result | McpInputRequired<Result>>
}

export async function runRounds<Result extends object>(
  call: Call,
  rounds: Rounds<Result>,
): Promise<Result | InputRequired> {
  if (isModern(call)) return await runRound(call, rounds)
  let result = await rounds.run(contextOf(call, rounds.hasLog))
  for (let round = 0; isRequired(result); round++) {
    const inputResponses = round < bounds.rounds ? await askAll(call, result) : undefined
    if (!inputResponses) return instead(call, result)
    const state = copyOf(result.state)
    result = await rounds.run(contextOf(call, rounds.hasLog, { inputResponses, state }))
  }
  return result
}

async function runRound<Result extends object>(call: Call, rounds: Rounds<Result>): Promise<Result | InputRequired> {
  const { inputResponses, requestState } = call.params
  const owner = { principalId: call.context.caller.principal.id, method: call.method, name: rounds.name }
  if (inputResponses !== undefined && !isObject(inputResponses)) {
    throw new McpError(mcpErrors.invalidParams, 'inputResponses must be an object.')
  }
  const state = requestState === undefined ? undefined : rounds.state.open(textOf(requestState), owner)
  const result = await rounds.run(contextOf(call, rounds.hasLog, { inputResponses, state }))
  if (!isRequired(result)) return result
  if (!acceptsRequest(result.inputRequests, call)) return instead(call, result)
  const inputRequests = Object.fromEntries(
    Object.entries(result.inputRequests).map(([key, request]) => [key, withoutElicitationId(request)]),
  )
  if (result.state === undefined) return { resultType: 'input_required', inputRequests }
  return { resultType: 'input_required', inputRequests, requestState: rounds.state.seal(result.state, owner) }
}

function textOf(state: unknown): string {
  // The empty text is never a valid state, so it is refused like a forged one.
  return typeof state === 'string' ? state : ''
}

function isRequired<Result extends object>(
  result: Result | McpInputRequired<Result>,
): result is McpInputRequired<Result> {
  return 'inputRequests' in result
}

/** @throws McpError if the offer has no alternative. */
function instead<Result>(call: Call, required: McpInputRequired<Result>): Result {
  if (required.otherwise !== undefined) return required.otherwise
  const requiredCapabilities = missingFor(required.inputRequests, call)
  const words = 'This client cannot be asked for what is missing.'
  if (!isModern(call) || !requiredCapabilities) throw new McpError(mcpErrors.invalidParams, words)
  throw new McpError(missingCapability, words, { requiredCapabilities })
}

/** @returns Undefined if one of them cannot be asked or does not answer. */
async function askAll(call: Call, required: McpInputRequired<unknown>): Promise<Record<string, unknown> | undefined> {
  const { ask } = call
  if (!ask || !acceptsRequest(required.inputRequests, call)) return undefined
  const asked = Object.entries(required.inputRequests).map(
    async ([key, request]) => [key, await ask(inRevision(call, request), call.signal)] as const,
  )
  const answers = await Promise.all(asked)
  return answers.every(([, answer]) => answer) ? Object.fromEntries(answers) : undefined
}

/** Copies the state through JSON, as it comes back in 2026. */
function copyOf(state: unknown): unknown {
  return state === undefined ? undefined : JSON.parse(JSON.stringify(state))
}

/** Drops the id, to which nothing refers since 2026. */
function withoutElicitationId(request: McpInputRequest): unknown {
  if (request.method !== 'elicitation/create' || request.params.mode !== 'url') return request
  const { elicitationId: _of2025, ...params } = request.params
  return { ...request, params }
}

/** Before 2025-11-25 there was only one mode, without a name. */
function inRevision({ revision }: Call, request: McpInputRequest): McpInputRequest {
  if (request.method !== 'elicitation/create' || revision >= '2025-11-25') return request
  const { mode: _unnamed, ...params } = request.params
  return { ...request, params } as McpInputRequest
}

/** Sends a request to a client and receives its response. */
export interface AskWay {
  /** @returns The id under which the request is sent. */
  add(answer: (result: Record<string, unknown> | undefined) => void): string
  forget(id: string): void
  put(text: string): void
}

/** Asks the client of a session before 2026. @returns Undefined if it did not answer in time. */
export async function requestOver(
  { method, params }: McpInputRequest,
  signal: AbortSignal,
  way: AskWay,
): Promise<Record<string, unknown> | undefined> {
  const answer = Promise.withResolvers<Record<string, unknown> | undefined>()
  const none = () => answer.resolve(undefined)
  const late = setTimeout(none, bounds.answerMs)
  signal.addEventListener('abort', none, { once: true })
  if (signal.aborted) none()
  const id = way.add(answer.resolve)
  try {
    way.put(requestText(id, method, params))
    return await answer.promise
  } finally {
    clearTimeout(late)
    signal.removeEventListener('abort', none)
    way.forget(id)
  }
}

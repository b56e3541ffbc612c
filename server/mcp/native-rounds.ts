/** Calls that a human has to answer before they go on: round trips with a signed state since 2026, requests to the client of a session before. */
import { type McpCallAsking, McpError, type McpInputRequest, type McpInputRequired, mcpErrors } from './mcp-port.ts'
import { askingOf, type Call, isModern } from './native-call.ts'
import { isObject } from './native-frames.ts'
import { bounds, codes } from './native-protocol.ts'
import type { RequestState } from './request-state.ts'

/** Without what differs from revision to revision. */
export interface InputRequired {
  resultType: 'input_required'
  inputRequests: Record<string, unknown>
  requestState?: string
}

export interface Rounds<Result> {
  /** Of the tool or prompt. */
  name: string
  state: RequestState
  hasLog: boolean
  run(asking: McpCallAsking): Promise<Result | McpInputRequired<Result>>
  /** For clients that cannot be asked, where the offer says nothing else. */
  unable: Result | undefined
}

export async function runRounds<Result extends object>(
  call: Call,
  rounds: Rounds<Result>,
): Promise<Result | InputRequired> {
  if (isModern(call)) return await runRound(call, rounds)
  let result = await rounds.run(askingOf(call, rounds.hasLog))
  for (let round = 0; isRequired(result); round++) {
    const inputResponses = round < bounds.rounds ? await askAll(call, result) : undefined
    if (!inputResponses) return instead(call, result, rounds)
    const state = copyOf(result.state)
    result = await rounds.run(askingOf(call, rounds.hasLog, { inputResponses, state }))
  }
  return result
}

async function runRound<Result extends object>(call: Call, rounds: Rounds<Result>): Promise<Result | InputRequired> {
  const { inputResponses, requestState } = call.params
  const owner = { principalId: call.asking.caller.principal.id, method: call.method, name: rounds.name }
  if (inputResponses !== undefined && !isObject(inputResponses)) {
    throw new McpError(mcpErrors.invalidParams, 'inputResponses must be an object.')
  }
  const state = requestState === undefined ? undefined : rounds.state.open(textOf(requestState), owner)
  const result = await rounds.run(askingOf(call, rounds.hasLog, { inputResponses, state }))
  if (!isRequired(result)) return result
  if (missingOf(call, result)) return instead(call, result, rounds)
  const inputRequests = Object.fromEntries(
    Object.entries(result.inputRequests).map(([key, request]) => [key, withoutElicitationId(request)]),
  )
  if (result.state === undefined) return { resultType: 'input_required', inputRequests }
  return { resultType: 'input_required', inputRequests, requestState: rounds.state.seal(result.state, owner) }
}

function textOf(state: unknown): string {
  // No state is this one, so it is refused as every other that is not ours.
  return typeof state === 'string' ? state : ''
}

function isRequired<Result extends object>(
  result: Result | McpInputRequired<Result>,
): result is McpInputRequired<Result> {
  return 'inputRequests' in result
}

/** @throws McpError where the offer has no other answer. */
function instead<Result>(call: Call, required: McpInputRequired<Result>, { unable }: Rounds<Result>): Result {
  const { otherwise = unable } = required
  if (otherwise !== undefined && (required.otherwise !== undefined || !isModern(call))) return otherwise
  const requiredCapabilities = missingOf(call, required) ?? {}
  const words = 'The client cannot ask for what this needs: it lacks a capability.'
  if (isModern(call)) throw new McpError(codes.missingCapability, words, { requiredCapabilities })
  throw new McpError(mcpErrors.internal, words)
}

/** @returns undefined where somebody is not asked, or does not answer. */
async function askAll(call: Call, required: McpInputRequired<unknown>): Promise<Record<string, unknown> | undefined> {
  const { ask } = call
  if (!ask || missingOf(call, required)) return undefined
  const asked = Object.entries(required.inputRequests).map(
    async ([key, request]) => [key, await ask(inRevision(call, request), call.signal)] as const,
  )
  const answers = await Promise.all(asked)
  return answers.every(([, answer]) => answer) ? Object.fromEntries(answers) : undefined
}

/** As it comes back in 2026. */
function copyOf(state: unknown): unknown {
  return state === undefined ? undefined : JSON.parse(JSON.stringify(state))
}

/** What of its capabilities the client does not have that it needs; undefined where it has all. */
function missingOf(call: Call, { inputRequests }: McpInputRequired<unknown>): Record<string, unknown> | undefined {
  const missing: Record<string, unknown> = {}
  for (const request of Object.values(inputRequests)) {
    const [name, part] = needsOf(request)
    const has = call.capabilities[name]
    if (!isObject(has)) missing[name] = part ? { [part]: {} } : {}
    // Who names no way to ask means forms: there was no other when the capability began.
    else if (part && !isObject(has[part]) && !(part === 'form' && has.url === undefined)) missing[name] = { [part]: {} }
    else if (part === 'url' && call.revision < '2025-11-25') missing[name] = { url: {} }
  }
  return Object.keys(missing).length > 0 ? missing : undefined
}

function needsOf(request: McpInputRequest): [name: string, part?: string] {
  if (request.method === 'roots/list') return ['roots']
  if (request.method === 'elicitation/create') return ['elicitation', request.params.mode]
  const { tools, toolChoice } = request.params
  return tools === undefined && toolChoice === undefined ? ['sampling'] : ['sampling', 'tools']
}

/** Since 2026 nothing refers to it. */
function withoutElicitationId(request: McpInputRequest): unknown {
  if (request.method !== 'elicitation/create' || request.params.mode !== 'url') return request
  const { elicitationId: _of2025, ...params } = request.params
  return { ...request, params }
}

/** Before 2025-11-25 there was one mode, without a name. */
function inRevision({ revision }: Call, request: McpInputRequest): McpInputRequest {
  if (request.method !== 'elicitation/create' || revision >= '2025-11-25') return request
  const { mode: _unnamed, ...params } = request.params
  return { ...request, params } as McpInputRequest
}

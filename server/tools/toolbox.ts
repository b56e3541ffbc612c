/** All tools, for features that offer them to a model: each call passes gate, limits and trail, like a request. */
import type { ProblemCode } from '../../contract/problem.ts'
import { guard, type Operation, type Stops } from '../platform/guard.ts'
import { checkValue, leaveSecretsOut, type SafeInput } from '../platform/http/http-input.ts'
import type { RequestOutcome, Trail } from '../platform/http/http-outcome.ts'
import { toProblem } from '../platform/http/http-problem.ts'
import type { Logger } from '../platform/logger.ts'
import type { Caller, Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import type { HttpLimits } from '../platform/rate-limits.ts'
import type { Shown } from '../platform/shown.ts'
import { clientOf } from '../platform/text.ts'
import { unlessAborted } from '../platform/waits.ts'
import {
  annotations,
  type HumanDecision,
  type ObjectSchema,
  type Tool,
  type ToolAnnotations,
  type ToolBlock,
  toolSchema,
} from './tool.ts'

export interface ToolboxOptions {
  tools: readonly Tool[]
  limits: Pick<HttpLimits, 'checkPrincipal'>
  trail: Trail
  /** Checks freezes; without it nothing is ever frozen. */
  stops?: Stops
  /** Called with what programs are shown. */
  shown?: Shown
  /** Called with each finished call and its result; must not throw. */
  observe(outcome: RequestOutcome, result: ToolResult, size: AnswerSize | undefined): void
  logger: Logger
}

/** A tool as it is described to a model. */
export interface ToolInfo {
  name: string
  title: string
  description: string
  annotations: ToolAnnotations
  inputSchema: ObjectSchema
  outputSchema: ObjectSchema
}

/** The size of a result as sent to its caller. */
export interface AnswerSize {
  bytes: number
  /** An estimate. */
  tokens: number
}

/** The caller, and the request of the call. */
export interface ToolContext {
  caller: Caller
  requestId: string
  /** If it aborts with a Problem, that is the answer; otherwise the client is gone. */
  signal: AbortSignal
  /** The name and version that the program claims; untrusted, for the trail. */
  peer?: { name: string; version: string } | undefined
  /** Measures a result as it is sent; called once. */
  sizeOf?: ((result: ToolResult) => AnswerSize) | undefined
  /** The URI of the resource that the tool call reads. */
  resource?: string | undefined
  /** See `ToolCall.waiting`; set only from a signed value. */
  waiting?: string | undefined
  /** Id of the assistant's answer that makes the call, for the trail. */
  assistant?: string | undefined
  /** Called with the details recorded in the trail, above all the account. */
  onDetails?: ((refs: Readonly<Record<string, string>>) => void) | undefined
}

export interface ToolProblem {
  code: ProblemCode
  message: string
  /** What to do about it, or what would be allowed. */
  hint?: string
}

export interface ToolSuccess {
  isError: false
  output: object
  /** Renders the output as lines, if the tool can. */
  text?: () => string
  /** Blocks that accompany the output. */
  blocks?: readonly ToolBlock[]
  /** What a human has to decide before it continues. */
  ask?: HumanDecision
}

export type ToolResult = ToolSuccess | { isError: true; problem: ToolProblem }

interface Entry {
  tool: Tool
  operation: Operation
  /** Built when first asked for: a server without models builds no schemas. */
  info(): ToolInfo
  safe: ReturnType<typeof leaveSecretsOut>
}

/** What is known of a call for the trail. */
interface Noted {
  refs: Record<string, string>
  input: SafeInput | undefined
}

/** The requested name is recorded beside it, so that callers cannot make up names of operations. */
const unknownTool: Operation = { name: 'tool.unknown', scope: 'signed_in', effect: 'read' }
const prompt: Operation = { name: 'prompt.get', scope: 'signed_in', effect: 'read' }
const maxUnknownName = 100
/** Characters of an error about wrong input, which quotes the input. */
const maxWords = 500

export class Toolbox {
  readonly #options: ToolboxOptions
  readonly #entries = new Map<string, Entry>()

  constructor(options: ToolboxOptions) {
    this.#options = options
    for (const tool of options.tools) this.#entries.set(tool.name, entryOf(tool))
  }

  has(name: string): boolean {
    return this.#entries.has(name)
  }

  /** Lists only tools that the principal may call. */
  list(principal: Principal): ToolInfo[] {
    return this.#allowed(principal).map(({ info }) => info())
  }

  #allowed(principal: Principal): Entry[] {
    return [...this.#entries.values()].filter(entry => isAllowed(principal, entry))
  }

  /**
   * Problems become results, and bugs become results without detail. A change is in the trail before this resolves.
   * @throws Error for an unknown tool; call `has` first.
   */
  async call(name: string, input: unknown, asking: ToolContext): Promise<ToolResult> {
    const entry = this.#entries.get(name)
    if (!entry) throw new Error(`there is no tool ${name}`)
    const began = performance.now()
    const told: Noted = { refs: {}, input: undefined }
    const blocks: ToolBlock[] = []
    const running = this.#run(entry, input, asking, told, blocks)
    // A change is always awaited, even after an abort: the trail must record its outcome.
    const awaited = entry.operation.effect === 'read' ? unlessAborted(running, asking.signal) : running
    const done = await awaited.catch((error: unknown) => this.#problemOf(error, entry, asking))
    const problem = done instanceof Problem ? done : undefined
    const result: ToolResult =
      done instanceof Problem
        ? { isError: true, problem: this.#explain(done, entry.tool, asking) }
        : successOf(entry.tool, done, blocks)
    const kept = this.#note(entry.operation, { problem, result, durationMs: performance.now() - began, asking, told })
    if (entry.operation.effect !== 'read') await kept
    return result
  }

  /** Returns why a call would be refused, before a human is asked. The call itself is checked again. */
  async check(name: string, input: unknown, asking: ToolContext): Promise<ToolProblem | undefined> {
    const entry = this.#entries.get(name)
    if (!entry) throw new Error(`there is no tool ${name}`)
    try {
      const { principal } = asking.caller
      guard(principal, entry.operation, undefined, this.#options.stops)
      const parsed = parse(entry.tool, input)
      const accountId = await entry.tool.accountOf?.(principal, parsed)
      // Changes of a frozen account are refused before a human is asked.
      if (accountId !== undefined) guard(principal, entry.operation, accountId, this.#options.stops)
      return undefined
    } catch (error) {
      return this.#explain(this.#problemOf(error, entry, asking), entry.tool, asking)
    }
  }

  /** Records a call of an unknown tool as a refusal. */
  refuseUnknown(name: string, asking: ToolContext): void {
    const problem = new Problem('not_found', 'There is no such tool.')
    const tool = tidy(name)
    const result: ToolResult = { isError: true, problem: { code: problem.code, message: problem.message } }
    void this.#note(unknownTool, { problem, result, durationMs: 0, asking, told: { refs: { tool }, input: undefined } })
  }

  /** Records that a prompt was requested, which only gives a model text. @param problem Why it was refused. */
  notePrompt(name: string, asking: ToolContext, problem?: Problem): void {
    const { caller, requestId } = asking
    const { address, userAgent } = caller
    void this.#options.trail.record({
      ...{ operation: prompt.name, effect: prompt.effect, method: 'CALL', status: problem?.status ?? 200 },
      ...{ code: problem?.code ?? 'ok', durationMs: 0, caller, address, userAgent, isCounted: false, requestId },
      ...{ refs: { ...saidBy(asking), prompt: tidy(name) }, input: undefined, hasCredentials: true },
    })
  }

  #note(
    { name: operation, effect }: Operation,
    {
      problem,
      result,
      durationMs,
      asking,
      told,
    }: { problem: Problem | undefined; result: ToolResult; durationMs: number; asking: ToolContext; told: Noted },
  ): Promise<void> | undefined {
    const { caller, requestId } = asking
    const refs = { ...saidBy(asking), ...told.refs }
    asking.onDetails?.(refs)
    const outcome: RequestOutcome = {
      operation,
      effect,
      method: 'CALL',
      status: problem?.status ?? 200,
      code: problem?.code ?? 'ok',
      durationMs,
      caller,
      address: caller.address,
      userAgent: caller.userAgent,
      // The request that carried the call is counted instead.
      isCounted: false,
      requestId,
      ...told,
      refs,
      hasCredentials: true,
    }
    this.#options.observe(outcome, result, asking.sizeOf?.(result))
    return this.#options.trail.record(outcome)
  }

  async #run(
    { tool, operation, safe }: Entry,
    raw: unknown,
    { caller, signal, waiting }: ToolContext,
    told: Noted,
    blocks: ToolBlock[],
  ): Promise<object> {
    const { principal, address } = caller
    const { limits, trail, stops, shown } = this.#options
    signal.throwIfAborted()
    guard(principal, operation, undefined, stops)
    if (operation.effect !== 'read' && trail.isFull) {
      const detail = 'The audit trail cannot be written, so changes are rejected.'
      throw new Problem('overloaded', detail, { retryAfterSeconds: 10 })
    }
    limits.checkPrincipal(principal, address, operation.limit)
    const input = parse(tool, raw)
    told.input = safe({ query: undefined, body: input })
    const note = (refs: Record<string, string>) => void Object.assign(told.refs, refs)
    if (waiting !== undefined && !tool.asks) throw new Problem('bad_request', 'This tool asks no human.')
    const attach = (block: ToolBlock) => void blocks.push(block)
    const call = { principal, input, signal, note, waiting, attach }
    if (!tool.accountOf) {
      const mayGoOn = () => checkWhole(stops, principal, operation, input)
      mayGoOn()
      const output = unlessStopped(checked(tool, await tool.run(call)), operation, mayGoOn)
      await shown?.(principal, operation, undefined, output)
      return output
    }
    const accountId = await tool.accountOf(principal, input)
    told.refs.account_id = accountId
    guard(principal, operation, accountId, stops)
    const result = checked(tool, await tool.run({ ...call, accountId }))
    const output = unlessStopped(result, operation, () => stops?.check(principal, operation, accountId))
    await shown?.(principal, operation, accountId, output)
    return output
  }

  #problemOf(error: unknown, { operation }: Entry, { requestId, signal }: ToolContext): Problem {
    const problem = toProblem(error)
    if (problem) return problem
    // The answer is not read by anyone; it must only not look like a bug of ours.
    if (signal.aborted) return new Problem('bad_request', 'Client disconnected.')
    this.#options.logger.error({ request_id: requestId, operation: operation.name, err: error }, 'a bug')
    const detail = `This is an error in RustyMail itself. The log has it under the request id ${requestId}.`
    return new Problem('internal', detail)
  }

  #explain(problem: Problem, tool: Tool, asking: ToolContext): ToolProblem {
    const { code } = problem
    const message = code === 'bad_request' ? withoutPart(problem.message) : problem.message
    const hint = this.#hint(problem, tool, asking)
    return { code, message, ...(hint === undefined ? {} : { hint }) }
  }

  #hint({ code, extension }: Problem, tool: Tool, { caller: { principal }, signal }: ToolContext): string | undefined {
    if (tool.hints?.[code] !== undefined) return tool.hints[code]
    // The rights that were allowed at the call are no longer the current ones.
    if (code === 'forbidden' && signal.aborted) return 'Your rights have changed: list the tools again.'
    if (code === 'forbidden') {
      return `Allowed to you: ${this.#allowed(principal)
        .map(({ tool: { name } }) => name)
        .join(', ')}.`
    }
    if (code === 'frozen') return 'Stop here, and say so: only a person can lift this, on the dashboard.'
    if (code === 'bad_request') return 'Correct the input and call again.'
    if (extension.retryAfterSeconds === undefined) return undefined
    return `Wait ${extension.retryAfterSeconds} s, then call again.`
  }
}

/** Drops the part of a request from the paths of a service's fault: a tool has no body, and no query. */
function withoutPart(words: string): string {
  return words.replaceAll(/(^|; )(?:body|query)\.(?=\w)/g, '$1')
}

function successOf({ text, asks }: Tool, output: object, blocks: readonly ToolBlock[]): ToolSuccess {
  const ask = asks?.(output)
  return {
    isError: false,
    output,
    ...(text && { text: () => text(output) }),
    ...(blocks.length > 0 && { blocks }),
    ...(ask && { ask }),
  }
}

function entryOf(tool: Tool): Entry {
  const { name, title, description, scope, effect, limit } = tool
  let info: ToolInfo | undefined
  return {
    tool,
    operation: { name: `tool.${name}`, scope, effect, ...(limit ? { limit } : {}) },
    info: () => {
      info ??= {
        name,
        title,
        description,
        annotations: annotations[effect],
        inputSchema: toolSchema(tool.input, 'input'),
        outputSchema: toolSchema(tool.output, 'output'),
      }
      return info
    },
    safe: leaveSecretsOut({ body: tool.input }),
  }
}

/** Details beside those that the call itself notes. */
function saidBy({
  peer,
  resource,
  assistant,
}: Pick<ToolContext, 'peer' | 'resource' | 'assistant'>): Record<string, string> {
  return {
    ...(assistant === undefined && { client: clientOf(peer) }),
    ...(resource !== undefined && { resource }),
    ...(assistant !== undefined && { assistant_answer: assistant }),
  }
}

function isAllowed(principal: Principal, { operation }: Entry): boolean {
  try {
    guard(principal, operation)
    return true
  } catch (error) {
    if (error instanceof Problem) return false
    throw error
  }
}

function tidy(name: string): string {
  return name.slice(0, maxUnknownName).replaceAll(/\p{C}/gu, '\ufffd')
}

/** Checks freezes for a tool that may span all accounts. Its service checks whether the caller sees a named account. */
function checkWhole(stops: Stops | undefined, principal: Principal, operation: Operation, input: unknown): void {
  const isNamed = typeof input === 'object' && input !== null && 'account' in input
  if (isNamed && typeof input.account === 'string') stops?.check(principal, operation, input.account)
  else stops?.checkAll(principal, operation)
}

/** A read that was frozen while it ran is not shown; a change is done and answered as such. */
function unlessStopped(output: object, { effect }: Operation, mayGoOn: () => void): object {
  if (effect === 'read') mayGoOn()
  return output
}

function parse(tool: Tool, raw: unknown): unknown {
  const given = checkValue(tool.input, raw ?? {})
  if ('data' in given) return given.data
  const words = given.faults.map(({ path, message }) => `${path || 'input'}: ${message}`).join('; ')
  throw new Problem('bad_request', words.slice(0, maxWords))
}

function checked(tool: Tool, output: unknown): object {
  const result = tool.output.safeParse(output)
  if (result.success && typeof result.data === 'object' && result.data !== null) return result.data
  throw new Error(`${tool.name} returned undeclared output: ${result.error?.message}`)
}

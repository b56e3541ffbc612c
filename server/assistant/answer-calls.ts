/** Runs the tool calls of a model: reads run, changes wait for the person, senseless calls are refused. */

import { type Citation, conversationBounds } from '../../contract/answers.ts'
import type { Effect } from '../../contract/endpoint.ts'
import type { MailShare } from '../../contract/model-provider.ts'
import { type Caller, maySeeAccount, type Principal } from '../platform/principal.ts'
import type { Tool } from '../tools/tool.ts'
import type { Toolbox, ToolContext, ToolInfo, ToolResult } from '../tools/toolbox.ts'
import type { OfferedTool, ToolRequest } from './chat-model.ts'
import { inTurns } from './in-turns.ts'
import { inputHash } from './input-hash.ts'
import type { KeptCall } from './kept-parts.ts'
import type { OpenAnswer } from './open-answer.ts'
import { bothNeeds, needsOf } from './reach.ts'
import { renderResult, withheldOf } from './tool-slices.ts'

export interface CallSurroundings {
  toolbox: Pick<Toolbox, 'list' | 'has' | 'call' | 'check' | 'refuseUnknown'>
  /** Returns the effect of a call: some tools only read with some inputs. */
  effectOf(name: string, input: unknown): Effect
  /** Returns the scope that a tool requires. */
  scopeOf(name: string): Tool['scope'] | undefined
  /** Returns the accounts that the principal sees. */
  accountIds(principal: Principal): Promise<readonly string[]>
  /** Returns what of an account's mail may be sent to the model that asked. */
  shareOf(modelId: string | null, accountId: string): MailShare
  /** Describes what a call would do, from the server's data; never in the model's words. */
  describe(caller: Caller, name: string, input: unknown): Promise<string | undefined>
  /** Returns true for tools that the assistant does not offer. */
  leftOut(principal: Principal, name: string): boolean
}

export interface CallContext {
  answer: OpenAnswer
  caller: Caller
  requestId: string
  signal: AbortSignal
  now(): number
}

/** Tool calls run per step; further ones are refused to the model. */
const maxCalls = 16
/** Bounds of identical calls: beyond `maxSame` the result is not repeated, beyond `maxSameEver` the answer ends. */
const maxSame = 3
const maxSameEver = 6
/** Successive steps without a valid call, after which the answer ends. */
const maxFaulty = 4
/** Refusal of a call whose summary is too long: a person must see everything that they decide. */
const tooLong = 'What this would do is too long to be shown to a person here. Ask them to do it on the page.'
/** How long a person has to decide, in ms. */
export const decideMs = 30 * 60_000

export class AnswerCalls {
  readonly #around: CallSurroundings
  readonly #same = new Map<string, number>()
  #faulty = 0

  constructor(around: CallSurroundings) {
    this.#around = around
  }

  offered(principal: Principal): OfferedTool[] {
    const { toolbox, leftOut } = this.#around
    return toolbox
      .list(principal)
      .filter(({ name }) => !leftOut(principal, name))
      .map(toOffered)
  }

  /** Runs the calls of one step. Returns why the answer has to end; undefined if it goes on, or waits. */
  async run(requests: readonly ToolRequest[], context: CallContext): Promise<string | undefined> {
    const { answer, caller, now } = context
    const begun: { call: KeptCall; request: ToolRequest; refusal: string | undefined }[] = []
    for (const [place, request] of requests.entries()) {
      const problem = await this.#refusal(request, place, context)
      const summary = await this.#summary(request, context)
      const refusal = problem ?? (summary.length > conversationBounds.summary ? tooLong : undefined)
      const effect = refusal === undefined ? this.#around.effectOf(request.name, request.input) : 'read'
      const isAsked = refusal === undefined && effect !== 'read' && caller.principal.kind === 'session'
      const call = this.#newCall(request, effect, summary, context)
      if (isAsked) {
        call.outcome = 'waiting'
        call.expires_at = new Date(now() + decideMs).toISOString()
      }
      answer.append({ type: 'tool_call', call: { ...call } })
      begun.push({ call, request, refusal })
    }
    const running = begun.filter(({ call }) => call.outcome === 'running')
    await inTurns(
      running,
      ({ call, refusal }) => (refusal === undefined && call.effect === 'read' ? 'together' : 'alone'),
      async ({ call, refusal }) => {
        if (refusal !== undefined) return this.#appendResult(answer, { ...call, outcome: 'refused' }, refusal)
        return this.execute(call, context)
      },
    )
    this.#faulty = begun.every(({ refusal }) => refusal !== undefined) ? this.#faulty + 1 : 0
    const mostSame = Math.max(0, ...this.#same.values())
    if (mostSame >= maxSameEver) return 'The model kept repeating the same call, so this answer was ended.'
    if (this.#faulty >= maxFaulty) return 'The model made only calls that are not possible, so this answer was ended.'
    return undefined
  }

  /** Executes a call, and records its outcome. */
  async execute(call: KeptCall, { answer, caller, requestId, signal }: CallContext): Promise<void> {
    const { toolbox, scopeOf, accountIds } = this.#around
    const began = performance.now()
    const asking: ToolContext & { account?: string | undefined } = {
      ...{ caller, requestId, signal, assistant: answer.row.id },
      onDetails: refs => {
        asking.account = refs.account_id
      },
    }
    const result: ToolResult = await toolbox.call(call.name, call.input, asking)
    const isStopped = signal.aborted && result.isError
    const scope = scopeOf(call.name)
    const mail = scope?.startsWith('mail:') ?? false
    const accounts =
      !mail || result.isError ? undefined : asking.account ? [asking.account] : await accountIds(caller.principal)
    const { text, told, citations } = renderResult(result, accounts)
    const withheld = withheldOf(told, id => this.#around.shareOf(answer.facts.modelId, id))
    // A refusal about an account that the caller may not see must disclose nothing about it.
    const account = [asking.account].filter(id => id !== undefined && maySeeAccount(caller.principal, id)) as string[]
    const seen = mail ? (accounts ?? account) : undefined
    const needs = result.isError && seen?.length !== 1 ? undefined : needsOf(caller.principal, seen, scope)
    answer.facts.needs = bothNeeds(answer.facts.needs, needs)
    const outcome = isStopped ? 'stopped' : result.isError ? outcomeOf(result.problem.code) : 'ok'
    this.#appendResult(
      answer,
      {
        ...{ ...call, outcome, duration_ms: performance.now() - began, expires_at: null },
        ...(withheld && { withheld }),
        ...(needs && { needs }),
      },
      text,
      told,
      citations,
    )
  }

  #appendResult(
    answer: OpenAnswer,
    call: KeptCall,
    text: string,
    told: KeptCall['told'] = { slices: [], isError: true },
    citations: Citation[] = [],
  ): void {
    const result = text.slice(0, conversationBounds.result)
    answer.append({ type: 'tool_result', call: { ...call, result, citations, told } })
  }

  /** Returns the summary of a call; empty if there is none. */
  async #summary({ name, input }: ToolRequest, { caller }: CallContext): Promise<string> {
    const { toolbox, describe } = this.#around
    return (toolbox.has(name) && (await describe(caller, name, input).catch(() => undefined))) || ''
  }

  #newCall({ name, input }: ToolRequest, effect: Effect, summary: string, { answer, caller }: CallContext): KeptCall {
    const { toolbox } = this.#around
    const title = toolbox.list(caller.principal).find(tool => tool.name === name)?.title ?? name.slice(0, 60)
    return {
      id: `t${answer.calls.length + 1}`,
      name: name.slice(0, 60),
      title,
      effect,
      input: sizeOf(input) > conversationBounds.input ? null : (input ?? null),
      input_hash: inputHash(name, input),
      summary: summary.slice(0, conversationBounds.summary) || null,
      outcome: 'running',
      result: null,
      citations: [],
      duration_ms: null,
      expires_at: null,
      step: answer.facts.steps,
    }
  }

  /** Returns the refusal that the model gets in place of a result; undefined if the call may run. */
  async #refusal(
    { name, input }: ToolRequest,
    place: number,
    { caller, requestId, signal, answer }: CallContext,
  ): Promise<string | undefined> {
    const { toolbox, effectOf, leftOut } = this.#around
    if (place >= maxCalls) return `Only ${maxCalls} calls are run at once; make the others in the next step.`
    const asking = { caller, requestId, signal, assistant: answer.row.id }
    if (!toolbox.has(name) || leftOut(caller.principal, name)) {
      toolbox.refuseUnknown(name, asking)
      return `There is no such tool. There are: ${this.offered(caller.principal)
        .map(tool => tool.name)
        .join(', ')}.`
    }
    if (typeof input !== 'object' || input === null)
      return 'The input is not a JSON object, or is nested too deeply. Correct it and call again.'
    if (sizeOf(input) > conversationBounds.input) {
      return `The input is longer than ${conversationBounds.input} characters.`
    }
    const key = inputHash(name, input)
    const same = (this.#same.get(key) ?? 0) + 1
    this.#same.set(key, same)
    if (same > maxSame) return 'This call was made before with the same input; its result stands above. Answer with it.'
    const effect = effectOf(name, input)
    // Reads are checked when they run.
    if (effect === 'read') return undefined
    if (effect === 'destroy' && caller.principal.kind !== 'session') {
      return 'Only a signed-in person can allow this in a conversation. Tell them.'
    }
    const problem = await toolbox.check(name, input, asking)
    return problem && `${problem.code}: ${problem.message}`
  }
}

function outcomeOf(code: string): KeptCall['outcome'] {
  return code === 'internal' ? 'failed' : 'refused'
}

function toOffered({ name, description, inputSchema }: ToolInfo): OfferedTool {
  return { name, description, inputSchema }
}

function sizeOf(input: unknown): number {
  return (JSON.stringify(input) ?? '').length
}

/**
 * PORT between answers and models: the available models, what each may be sent, and one step of an answer from the
 * first that gives it.
 */

import type { AssistantLimits } from '../../contract/assistant-settings.ts'
import type { MailShare } from '../../contract/model-provider.ts'
import type { Problem } from '../platform/problem.ts'
import type { ChatModel, ChatRequest, Part, Usage } from './chat-model.ts'

export interface ModelChoice {
  /** Returns the enabled models in the order of trial. */
  models(): readonly ChatModel[]
  /** Names of disabled models by id. */
  readonly off: ReadonlyMap<string, string>
  limits(): AssistantLimits
  /** Returns what of an account's mail a model may be sent. */
  shareOf(model: ChatModel, accountId: string): MailShare
  /** Returns US dollars; null if no price is set. */
  costOf(model: ChatModel, usage: Usage): number | null
  /**
   * Asks models in turn until one yields a visible part: text or a tool call. From then on failures are thrown. Throws
   * a Problem `no_model_configured`, or one that says why all failed (`provider_failed`, `provider_limited` with
   * `retryAfterSeconds`, `provider_timeout`). Parts are checked against their bounds before they are passed on.
   */
  answer(step: ModelStep): AsyncIterable<ModelPart>
}

export interface ModelStep {
  /** Returns the request to a model, or a Problem if it cannot be asked this, which counts as a failed attempt. */
  requestFor(model: ChatModel): Omit<ChatRequest, 'signal'> | Problem
  /** The id of the model to ask first: that of the last step, or the caller's choice. */
  startWith?: string | undefined
  /** The deadline of the whole answer, on the clock of `performance`. */
  endsAt: number
  /** True if parts are only delivered when complete: a model that breaks off has then failed, and the next is asked. */
  isWhole?: boolean
  signal: AbortSignal
}

export type ModelPart =
  /** The model was asked, and failed before anything visible. */
  { type: 'attempt'; model: ChatModel; problem: Problem } | { type: 'part'; model: ChatModel; part: Part }

/** PORT between answers and models: which models there are, what each may be told, and one step of an answer by the first that gives it. */

import type { AssistantLimits } from '../../contract/assistant-settings.ts'
import type { MailShare } from '../../contract/model-provider.ts'
import type { Problem } from '../platform/problem.ts'
import type { ChatModel, ChatRequest, Part, Usage } from './chat-model.ts'

export interface ModelChoice {
  /** Enabled ones, in the order in which they would be tried. */
  models(): readonly ChatModel[]
  /** Names of those that are turned off, by id. */
  readonly off: ReadonlyMap<string, string>
  limits(): AssistantLimits
  /** What of the mail of an account a model may be sent. */
  shareOf(model: ChatModel, accountId: string): MailShare
  /** US dollars; null where its price is not set. */
  costOf(model: ChatModel, usage: Usage): number | null
  /**
   * Asks one model after the other until one gives a visible part: a word, or a call of a tool. From then on a failure is thrown.
   * Throws a Problem `no_model_configured`, or one that says why all of them failed (`provider_failed`, `provider_limited` with
   * `retryAfterSeconds`, `provider_timeout`). Parts are within their bounds before they are passed on.
   */
  answer(step: ModelStep): AsyncIterable<ModelPart>
}

export interface ModelStep {
  /** For each model that is asked. A Problem where it cannot be asked this; it is then an attempt that failed. */
  requestFor(model: ChatModel): Omit<ChatRequest, 'signal'> | Problem
  /** Id of the model that is asked first: the one that gave the last step, or that the caller chose. */
  startWith?: string | undefined
  /** When the whole answer is due, on the clock of `performance`. */
  endsAt: number
  /** Its parts are wanted when all of them are there: then a model that breaks off in the middle is one that failed, and the next is asked. */
  isWhole?: boolean
  signal: AbortSignal
}

export type ModelPart =
  /** It was asked, and failed before anything visible. */
  { type: 'attempt'; model: ChatModel; problem: Problem } | { type: 'part'; model: ChatModel; part: Part }

/**
 * Answers in progress, each with the queue of work on it: their bounds, and how they end with their caller, a stop or a
 * freeze.
 */
import { ownerOf, type Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import { type Run, stopAsked } from './answer-runner.ts'
import { hasEnded, mayQuery } from './question-rights.ts'

export interface Working extends Run {
  stop: AbortController
  done: Promise<void>
  /** Earlier work on the same answer that has not ended. */
  before: Working | undefined
}

/** Answers in progress; further questions are refused with `overloaded`. */
export const maxAnswers = 200
/** Answers in progress of one user or token. */
export const maxAnswersOfOwner = 128

export class WorkingAnswers {
  readonly #working = new Map<string, Working>()

  /** Returns the newest work on an answer. */
  find(answerId: string): Working | undefined {
    return this.#working.get(answerId)
  }

  add(working: Working): void {
    this.#working.set(working.answer.row.id, working)
  }

  /** Removes work; a no-op if newer work on the answer exists. */
  remove(working: Working): void {
    const { id } = working.answer.row
    if (this.#working.get(id) === working) this.#working.delete(id)
  }

  /** @throws Problem overloaded */
  checkRoom(principal: Principal): void {
    const own = [...this.#working.values()].filter(({ answer }) => answer.owner === ownerOf(principal)).length
    if (this.#working.size < maxAnswers && own < maxAnswersOfOwner) return
    throw new Problem('overloaded', `${this.#working.size} questions are being answered. Try again in a moment.`, {
      retryAfterSeconds: 5,
    })
  }

  /** Ends the selected answers; resolves when they have ended. */
  async end(which: (working: Working) => boolean, why: unknown = stopAsked): Promise<void> {
    const ending = [...this.#working.values()].filter(which)
    for (const each of ending) for (const { stop } of inChain(each)) stop.abort(why)
    await Promise.all(ending.map(({ done }) => done))
  }

  /** Applies the caller's new rights. */
  changed(principal: Principal): void {
    for (const run of this.#each()) {
      if (run.caller.principal.id === principal.id) run.caller = { ...run.caller, principal }
    }
    this.endWhere(one => one.id === principal.id && !mayQuery(one), narrowed)
  }

  /** Ends answers whose session or token has expired. */
  check(now: number): void {
    this.endWhere(principal => hasEnded(principal, now), gone)
  }

  /** @param why Creates the reason; called only for those that end, mostly none. */
  endWhere(isStopped: (principal: Principal) => boolean, why: () => Problem): void {
    for (const { caller, stop } of this.#each()) if (isStopped(caller.principal)) stop.abort(why())
  }

  *#each(): Generator<Working> {
    for (const working of this.#working.values()) yield* inChain(working)
  }
}

const narrowed = () => new Problem('forbidden', 'Your right to use the assistant was revoked meanwhile.')
const gone = () => new Problem('unauthorized', 'Your session or token ended meanwhile.')

/** Yields the work on an answer and everything queued before it. */
function* inChain(newest: Working): Generator<Working> {
  for (let each: Working | undefined = newest; each; each = each.before) yield each
}

/**
 * Starts work on answers, also after another call of the same answer, and closes answers that nothing works on any
 * more.
 */
import type { Logger } from '../platform/logger.ts'
import { Problem } from '../platform/problem.ts'
import { AnswerCalls, type CallSurroundings } from './answer-calls.ts'
import type { AnswerRunner, Run } from './answer-runner.ts'
import type { AnswerRow } from './conversation-tables.ts'
import { expiryOf, loseCalls } from './ended-calls.ts'
import type { KeptCall } from './kept-parts.ts'
import type { OpenAnswer } from './open-answer.ts'
import type { OpenAnswers } from './open-answers.ts'
import type { Working, WorkingAnswers } from './working-answers.ts'

export interface AnswerWorkOptions {
  runner: AnswerRunner
  open: OpenAnswers
  working: WorkingAnswers
  calls: CallSurroundings
  logger: Logger
  now(): number
}

export class AnswerWork {
  readonly #options: AnswerWorkOptions

  constructor(options: AnswerWorkOptions) {
    this.#options = options
  }

  /** Executes a call that was allowed, `execute`, first; then lets the model go on, unless other calls still wait. */
  begin(run: Omit<Run, 'signal'>, { execute, goesOn = true }: { execute?: KeptCall; goesOn?: boolean } = {}): void {
    const { answer } = run
    const stop = new AbortController()
    const before = this.#options.working.find(answer.row.id)
    const working: Working = { ...run, signal: stop.signal, stop, done: Promise.resolve(), before }
    answer.holders++
    working.done = (async () => {
      // Another call of the same answer is in flight.
      if (before) await before.done
      working.before = undefined
      answer.row.state = 'running'
      answer.row.expires_at = null
      if (execute) await this.#execute(working, execute)
      if (goesOn || stop.signal.aborted) await this.#options.runner.run(working)
      else await answer.settle('waiting', undefined, expiryOf(answer))
    })()
      .catch((err: unknown) => {
        // The answer was deleted meanwhile.
        if (err instanceof Problem) return
        this.#options.logger.error({ err, answer: answer.row.id }, 'an answer could not be ended')
      })
      .finally(() => {
        this.#options.working.remove(working)
        this.#options.open.release(answer)
      })
    this.#options.working.add(working)
  }

  /** Closes an answer that nothing works on: its waiting calls are not executed. */
  async close(answer: OpenAnswer, outcome: 'declined' | 'expired', state: 'done' | 'stopped'): Promise<void> {
    for (const call of answer.calls) {
      if (call.outcome !== 'waiting') continue
      answer.append({ type: 'tool_result', call: { ...call, outcome, expires_at: null } })
    }
    await answer.settle(state, { type: 'finish', state, result: answer.response() })
    this.#options.open.release(answer, 0)
  }

  /** Fails a `running` answer that no server works on any more. */
  async interrupted(owner: string, row: AnswerRow): Promise<void> {
    const answer = await this.#options.open.load(owner, row)
    loseCalls(answer)
    const why = new Problem('draining', 'The server stopped while it worked on this answer. Ask again.')
    const problem = why.toBody('')
    answer.facts.problem = problem
    await answer.settle('failed', { type: 'error', problem })
  }

  /** Executes a call that the person allowed; the intent is stored before. */
  async #execute({ answer, caller, requestId, signal }: Working, call: KeptCall): Promise<void> {
    await answer.store()
    const calls = new AnswerCalls(this.#options.calls)
    await calls.execute(call, { answer, caller, requestId, signal, now: this.#options.now })
    await answer.store()
  }
}

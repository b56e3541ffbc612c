/**
 * Returns what is logged about an answer that ended or waits: which model gave it, which failed and why, and its cost.
 * Neither question nor answer are logged.
 */
import type { OpenAnswer } from './open-answer.ts'

export function loggedFacts(answer: OpenAnswer, requestId: string, durationMs: number): object {
  const { provider, model, attempts, steps, usage, tokens, costUsd, problem } = answer.facts
  return {
    ...{ request_id: requestId, answer: answer.row.id, state: answer.state },
    ...{ provider, model, not_by: attempts.map(each => `${each.provider}: ${each.code}`) },
    ...(problem && { code: problem.code }),
    ...{ steps, calls: answer.calls.length, ...usage, spent: tokens, cost_usd: costUsd },
    duration_ms: Math.round(durationMs),
  }
}

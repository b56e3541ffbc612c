/** What becomes of calls of tools whose answer ends, or goes on without them. */
import type { KeptCall } from './kept-parts.ts'
import type { OpenAnswer } from './open-answer.ts'

/** What waits in an answer that ends is not done, and cannot be allowed any more. */
export function stopWaiting(answer: OpenAnswer): void {
  for (const call of answer.calls) {
    if (call.outcome !== 'waiting') continue
    answer.append({ type: 'tool_result', call: { ...call, outcome: 'stopped', expires_at: null } })
  }
}

/** Nobody knows what became of those that ran. */
export function loseCalls(answer: OpenAnswer): void {
  for (const call of answer.calls) {
    if (call.outcome === 'running') answer.append({ type: 'tool_result', call: lost(call) })
  }
  stopWaiting(answer)
}

/** When the first of those that wait is over. */
export function expiryOf(answer: OpenAnswer): string | null {
  const ends = answer.calls.flatMap(({ outcome, expires_at: at }) => (outcome === 'waiting' && at !== null ? [at] : []))
  return ends.toSorted()[0] ?? null
}

function lost(call: KeptCall): KeptCall {
  const result =
    call.effect === 'read'
      ? null
      : 'The server stopped while this was done: whether it was done is not known. Look before it is tried again.'
  return { ...call, outcome: 'stopped', result }
}

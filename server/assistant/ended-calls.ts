/** Settles the tool calls of an answer that ends, or goes on without them. */
import type { KeptCall } from './kept-parts.ts'
import type { OpenAnswer } from './open-answer.ts'

/** Stops waiting calls of an answer that ends: they are not executed, and can no longer be allowed. */
export function stopWaiting(answer: OpenAnswer): void {
  for (const call of answer.calls) {
    if (call.outcome !== 'waiting') continue
    answer.append({ type: 'tool_result', call: { ...call, outcome: 'stopped', expires_at: null } })
  }
}

/** Marks running calls, whose outcome is unknown, as lost, and stops waiting ones. */
export function loseCalls(answer: OpenAnswer): void {
  for (const call of answer.calls) {
    if (call.outcome === 'running') answer.append({ type: 'tool_result', call: lost(call) })
  }
  stopWaiting(answer)
}

/** Returns when the first waiting call expires. */
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

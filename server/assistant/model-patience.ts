/** How long to wait for models in flight, and when to ask the next one in parallel. */
import type { ModelAttempt } from './model-attempt.ts'

export interface Patience {
  /** Timeout of the first sign of life, in ms, as long as there is another model. */
  firstMs: number
  /** Timeout between two signs, in ms. */
  idleMs: number
  /** Silence, in ms, after which the next model is asked in parallel. */
  besideMs?: number
  /** The deadline of the whole answer. */
  endsAt?: number
}

type Waited = Pick<ModelAttempt, 'startedAt' | 'lastSignAt' | 'hasSign' | 'isGivenUp'> & {
  model: { answersWhole?: boolean }
}

/**
 * Returns when to ask the next model, and which to give up. A model that reasons is not silent: it gets time as long as
 * those queued keep theirs. A model that answers whole is silent until it is done: the next is asked in parallel, but
 * it is not given up for that.
 * @param queued Models that can still be asked.
 */
export function nextMoments<T extends Waited>(running: readonly T[], queued: number, patience: Patience, now: number) {
  const { firstMs, idleMs, besideMs = firstMs, endsAt = Number.POSITIVE_INFINITY } = patience
  const waited = running.filter(({ isGivenUp }) => !isGivenUp)
  const isSilent = ({ hasSign, model }: T) => !hasSign && !model.answersWhole
  const youngest = waited.at(-1)
  const askNextAt =
    youngest === undefined ? now : youngest.hasSign ? Number.POSITIVE_INFINITY : youngest.startedAt + besideMs
  const giveUpAt = (asked: T) => {
    const idle = asked.lastSignAt + idleMs
    if (queued === 0 && waited.length <= 1) return idle
    if (isSilent(asked)) return Math.min(asked.startedAt + firstMs, idle)
    return Math.min(idle, endsAt - firstMs * Math.max(1, queued))
  }
  const giveUp = waited.filter(asked => giveUpAt(asked) <= now)
  const wakeAt = Math.min(...waited.map(asked => giveUpAt(asked)), Number.POSITIVE_INFINITY)
  return { askNextAt, giveUp, wakeAt: giveUp.length > 0 ? Number.POSITIVE_INFINITY : wakeAt }
}

/**
 * Returns until when the output of a model is held back: a model that was asked earlier and answers whole has
 * precedence within its time for a first part.
 */
export function keptBackUntil<T extends Waited>(
  candidate: Pick<T, 'startedAt'>,
  running: readonly T[],
  { firstMs }: Patience,
): number {
  const before = running.filter(
    ({ model, isGivenUp, startedAt }) => model.answersWhole && !isGivenUp && startedAt < candidate.startedAt,
  )
  return Math.max(Number.NEGATIVE_INFINITY, ...before.map(({ startedAt }) => startedAt + firstMs))
}

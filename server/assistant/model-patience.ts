/** How long models that are being asked are waited for, and when the next one is asked beside them. */
import type { AskedModel } from './asked-model.ts'

export interface Patience {
  /** Before the first sign of life, as long as there is another model. */
  firstMs: number
  /** Between two signs. */
  idleMs: number
  /** After so much silence the next is asked beside it. */
  besideMs?: number
  /** Of the whole answer. */
  endsAt?: number
}

type Waited = Pick<AskedModel, 'askedAt' | 'lastSignAt' | 'hasSign' | 'isGivenUp'> & {
  model: { answersWhole?: boolean }
}

/**
 * One that thinks is not silent: it is waited for as long as the others behind it keep their time. One that answers whole says nothing before
 * it is done: the next is asked beside it all the same, and it is not given up for that.
 * @param queued Models that can still be asked.
 */
export function nextMoments<T extends Waited>(running: readonly T[], queued: number, patience: Patience, now: number) {
  const { firstMs, idleMs, besideMs = firstMs, endsAt = Number.POSITIVE_INFINITY } = patience
  const waited = running.filter(({ isGivenUp }) => !isGivenUp)
  const isSilent = ({ hasSign, model }: T) => !hasSign && !model.answersWhole
  const youngest = waited.at(-1)
  const askNextAt =
    youngest === undefined ? now : youngest.hasSign ? Number.POSITIVE_INFINITY : youngest.askedAt + besideMs
  const giveUpAt = (asked: T) => {
    const idle = asked.lastSignAt + idleMs
    if (queued === 0 && waited.length <= 1) return idle
    if (isSilent(asked)) return Math.min(asked.askedAt + firstMs, idle)
    return Math.min(idle, endsAt - firstMs * Math.max(1, queued))
  }
  const giveUp = waited.filter(asked => giveUpAt(asked) <= now)
  const wakeAt = Math.min(...waited.map(asked => giveUpAt(asked)), Number.POSITIVE_INFINITY)
  return { askNextAt, giveUp, wakeAt: giveUp.length > 0 ? Number.POSITIVE_INFINITY : wakeAt }
}

/**
 * Until when a word of a model is kept back: one that was asked before it and answers whole comes first, as long as it has the time that each has for
 * its first word.
 */
export function keptBackUntil<T extends Waited>(
  candidate: Pick<T, 'askedAt'>,
  running: readonly T[],
  { firstMs }: Patience,
): number {
  const before = running.filter(
    ({ model, isGivenUp, askedAt }) => model.answersWhole && !isGivenUp && askedAt < candidate.askedAt,
  )
  return Math.max(Number.NEGATIVE_INFINITY, ...before.map(({ askedAt }) => askedAt + firstMs))
}

/** The models asked for one step of an answer, in parallel if they are silent, until the first of them wins. */
import { Problem } from '../platform/problem.ts'
import type { Part } from './chat-model.ts'
import { ModelAttempt } from './model-attempt.ts'
import type { ModelStep } from './model-choice.ts'
import type { Standing } from './model-entry.ts'
import { keptBackUntil, nextMoments, type Patience } from './model-patience.ts'

export interface Attempt {
  /** Undefined if it could not be asked this question at all. */
  asked: ModelAttempt | undefined
  standing: Standing
  error?: unknown
}

export type Running = Attempt & { asked: ModelAttempt }

export class Turn {
  /** Models in flight, and failed ones until their failure is handled. */
  readonly running = new Set<Attempt>()
  winner: (Running & { part: Part }) | undefined
  readonly #step: ModelStep
  readonly #queue: Standing[]
  readonly #patience: Patience
  readonly #started: Running[] = []
  /** When a part that is held back may be delivered. */
  #keptUntil = Number.POSITIVE_INFINITY
  #changed = Promise.withResolvers<void>()
  #timer: NodeJS.Timeout | undefined

  /** @param patience.sharers Models that share the first deadline, so that the last of them is asked within it. */
  constructor(step: ModelStep, queue: readonly Standing[], { sharers, ...patience }: Patience & { sharers: number }) {
    this.#step = step
    this.#queue = [...queue]
    const left = Math.max(0, step.endsAt - now())
    const firstMs = Math.min(patience.firstMs, left / Math.max(1, sharers))
    this.#patience = { ...patience, firstMs, besideMs: firstMs / Math.max(1, sharers), endsAt: step.endsAt }
  }

  /** True if none has won, and none is left to wait for. */
  get isOver(): boolean {
    return this.winner === undefined && this.running.size === 0 && this.#queue.length === 0
  }

  /** Waits until one has won or failed; returns those that failed. */
  async next(): Promise<Attempt[]> {
    while (!this.isOver) {
      if (this.#step.signal.aborted && this.running.size === 0) throw this.#step.signal.reason
      const failed = this.#takeOutcomes()
      if (failed.length > 0 || this.winner) return failed
      const waited = [...this.running].flatMap(({ asked }) => asked ?? [])
      const { askNextAt, giveUp, wakeAt } = nextMoments(waited, this.#queue.length, this.#patience, now())
      for (const asked of giveUp) asked.giveUp()
      const isKept = Number.isFinite(this.#keptUntil)
      const next = askNextAt <= now() && !isKept ? this.#queue.shift() : undefined
      if (next) this.#start(next)
      else if (isKept) await this.#sleepUntil(Math.min(wakeAt, this.#keptUntil))
      else await this.#sleepUntil(this.#queue.length > 0 ? Math.min(wakeAt, askNextAt) : wakeAt)
    }
    return []
  }

  /** Returns those that were asked before the winner and had not failed. */
  outrun(): Running[] {
    const { winner } = this
    if (!winner) return []
    const others = this.#started.filter(each => this.running.has(each) && each.asked !== winner.asked)
    const slower = others.filter(({ asked }) => asked.startedAt <= winner.asked.startedAt)
    for (const each of slower) this.running.delete(each)
    return slower
  }

  /** Returns those that were not asked because they rest. */
  resting(): Standing[] {
    return this.#queue.filter(({ breaker }) => breaker.state === 'resting' || breaker.state === 'probing')
  }

  /** Cancels all requests without waiting for them. */
  end(): void {
    clearTimeout(this.#timer)
    void Promise.all(this.#started.map(({ asked }) => asked.end()))
  }

  #start(standing: Standing): void {
    const request = this.#step.requestFor(standing.model)
    if (request instanceof Problem) return void this.running.add({ asked: undefined, standing, error: request })
    standing.breaker.asked()
    const asked = new ModelAttempt(
      standing.model,
      { ...request, signal: this.#step.signal, isWhole: this.#step.isWhole },
      now,
      () => {
        this.#changed.resolve()
      },
    )
    const each = { asked, standing }
    this.#started.push(each)
    this.running.add(each)
  }

  #takeOutcomes(): Attempt[] {
    const failed: Attempt[] = []
    const open = [...this.running].flatMap(({ asked }) => (asked && !asked.outcome ? [asked] : []))
    this.#keptUntil = Number.POSITIVE_INFINITY
    for (const each of this.running) {
      const { asked, standing } = each
      if (asked === undefined) failed.push(each)
      else if (asked.outcome && 'part' in asked.outcome) {
        const until = keptBackUntil(asked, open, this.#patience)
        if (until <= now()) this.winner ??= { asked, standing, part: asked.outcome.part }
        else this.#keptUntil = Math.min(this.#keptUntil, until)
      } else if (asked.outcome) failed.push(Object.assign(each, { error: asked.outcome.error }))
    }
    return failed
  }

  async #sleepUntil(moment: number): Promise<void> {
    clearTimeout(this.#timer)
    if (Number.isFinite(moment)) {
      this.#timer = setTimeout(() => this.#changed.resolve(), Math.max(0, Math.ceil(moment - now())))
    }
    await this.#changed.promise
    this.#changed = Promise.withResolvers<void>()
  }
}

function now(): number {
  return performance.now()
}

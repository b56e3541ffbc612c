/**
 * Lists first: while somebody asks for lists, searches and pieces of downloads take turns, so that one processor is left for lists. Each waits
 * for the other kind only, and only so long: a mail server that takes its time with a piece holds up no search, and no download stands still.
 */
import { availableParallelism } from 'node:os'

type Kind = 'search' | 'piece'

interface Waiting {
  kind: Kind
  go(): void
}

const otherOf = { search: 'piece', piece: 'search' } as const
/** A page that is looked through, or a program, asks again within it. */
const recentMs = 50
/** Then it goes on beside the other kind. A piece is 256 KiB: this is the least speed of a download. */
const boundMs = { search: 5, piece: 50 } as const
/** Where there are more, one is left anyway. */
const fewProcessors = 2

export class BackgroundTurns {
  readonly #hasFew: boolean
  #lists = 0
  #listedAt = Number.NEGATIVE_INFINITY
  readonly #running = { search: 0, piece: 0 }
  /** In the order in which they came. */
  readonly #waiting: Waiting[] = []

  constructor(processors = availableParallelism()) {
    this.#hasFew = processors <= fewProcessors
  }

  /** Answers a list. */
  async list<Answer>(work: () => Promise<Answer>): Promise<Answer> {
    this.#lists++
    try {
      return await work()
    } finally {
      this.#lists--
      this.#listedAt = performance.now()
    }
  }

  /** Reads one piece of a download, or searches once. */
  async run<Result>(kind: Kind, work: () => Promise<Result>): Promise<Result> {
    if (this.#mustWait(kind)) await this.#turn(kind)
    else this.#running[kind]++
    try {
      return await work()
    } finally {
      this.#running[kind]--
      this.#next()
    }
  }

  #mustWait(kind: Kind): boolean {
    const other = otherOf[kind]
    const isBeside = this.#running[other] > 0 || this.#waiting.some(each => each.kind === other)
    return isBeside && this.#hasFew && this.#isAskedForLists
  }

  get #isAskedForLists(): boolean {
    return this.#lists > 0 || performance.now() - this.#listedAt < recentMs
  }

  #turn(kind: Kind): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const one: Waiting = {
      kind,
      go: () => {
        clearTimeout(timer)
        this.#waiting.splice(this.#waiting.indexOf(one), 1)
        this.#running[kind]++
        resolve()
      },
    }
    const timer = setTimeout(one.go, boundMs[kind])
    this.#waiting.push(one)
    return promise
  }

  /** Those at the head that the other kind is not in the way of. */
  #next(): void {
    for (let first = this.#waiting[0]; first && this.#running[otherOf[first.kind]] === 0; first = this.#waiting[0])
      first.go()
  }
}

/** Cleans the HTML of messages on the text worker, and keeps the newest outcomes: a message that is opened again costs nothing. */
import { createHash } from 'node:crypto'
import { Problem } from '../platform/problem.ts'
import type { CleanHtml } from './clean-html.ts'
import { type TextWorker, TextWorkerError } from './text-worker.ts'

/** Why there is no clean HTML. `busy` passes; `gave_up` stays for this message. */
export type NoCleanHtml = 'gave_up' | 'busy'

/** Outcomes that are kept, and their characters together. */
const maxKept = 50
const maxKeptLength = 4 * 1024 * 1024
/** Messages that were given up; each would keep the worker busy for its whole time limit again. */
const maxGivenUp = 1_000

export class HtmlCleaner {
  readonly #worker: Pick<TextWorker, 'run'>
  /** The one that was asked for longest ago is first. */
  readonly #kept = new Map<string, { clean: CleanHtml; length: number }>()
  readonly #givenUp = new Set<string>()
  readonly #underWay = new Map<string, Promise<CleanHtml | NoCleanHtml>>()
  #keptLength = 0

  constructor(worker: Pick<TextWorker, 'run'>) {
    this.#worker = worker
  }

  /**
   * Known by its content alone: whoever asks has read the message already.
   * @throws Problem draining
   */
  async clean(source: string, remote: boolean): Promise<CleanHtml | NoCleanHtml> {
    const key = `${remote} ${createHash('sha256').update(source).digest('base64')}`
    const kept = this.#kept.get(key)
    if (kept) {
      this.#kept.delete(key)
      this.#kept.set(key, kept)
      return kept.clean
    }
    if (this.#givenUp.has(key)) return 'gave_up'
    const underWay = this.#underWay.get(key) ?? this.#work(key, source, remote)
    this.#underWay.set(key, underWay)
    return underWay.finally(() => this.#underWay.delete(key))
  }

  async #work(key: string, source: string, remote: boolean): Promise<CleanHtml | NoCleanHtml> {
    try {
      const clean = await this.#worker.run('cleanHtml', { source, remote })
      this.#keep(key, clean)
      return clean
    } catch (error) {
      if (!(error instanceof TextWorkerError)) throw error
      if (error.fault === 'stopped') throw new Problem('draining', 'RustyMail is shutting down.')
      if (error.fault === 'gave_up') this.#giveUp(key)
      return error.fault
    }
  }

  #keep(key: string, clean: CleanHtml): void {
    const length = lengthOf(clean)
    this.#kept.set(key, { clean, length })
    this.#keptLength += length
    for (const [oldest, { length: freed }] of this.#kept) {
      if (this.#kept.size <= maxKept && this.#keptLength <= maxKeptLength) return
      this.#kept.delete(oldest)
      this.#keptLength -= freed
    }
  }

  #giveUp(key: string): void {
    this.#givenUp.add(key)
    const [oldest] = this.#givenUp
    if (oldest !== undefined && this.#givenUp.size > maxGivenUp) this.#givenUp.delete(oldest)
  }
}

function lengthOf({ style, bodyAttributes, body }: CleanHtml): number {
  let length = 0
  for (const piece of [...style, ...bodyAttributes, ...body]) {
    length += typeof piece === 'string' ? piece.length : piece.contentId.length
  }
  return length
}

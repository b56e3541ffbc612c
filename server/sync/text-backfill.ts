/** Fetches the texts of messages that are indexed by their headers alone, newest first, some with each step. */
import type { MailConnection } from '../imap/mail-gateway.ts'
import type { TextlessPlace } from '../index/index-gaps.ts'
import type { IndexOperations } from '../index/index-operations.ts'
import type { FolderBatch } from '../index/index-types.ts'
import { ReadAhead } from './read-ahead.ts'

export interface TextBackfillOptions {
  index: Pick<IndexOperations, 'listWithoutText' | 'figures'>
  /** What it changed may be told later. */
  apply(batch: FolderBatch): Promise<void>
  ask<T>(work: (connection: MailConnection) => Promise<T>, path: string): Promise<T>
  tell(folder: string, done: number, total: number): void
}

type Found = Awaited<ReturnType<MailConnection['changes']['listTexts']>>

/** Fetched with one command or two; each is cut at `maxTextBytes` on the wire, and at most four of a message are fetched. */
const textsOfStep = 200
const maxTextBytes = 64 * 1024
const maxBytesOfMessage = 4 * maxTextBytes
/** Of the messages of a step, as far as they are fetched: two steps are in memory. The first one always goes. */
const maxBytesOfStep = 2 * 1024 * 1024
/** Messages without a text that the index is asked for at once, for the next few steps. */
const placesAtOnce = 1_000
/** Past it no further texts are read until the account is started again. */
const mostTextless = 1_000
/** Counting them takes longer with every message. */
const tellEveryMs = 1_000

export class TextBackfill {
  readonly #options: TextBackfillOptions
  /** Messages whose text could not be fetched; they are tried again after a restart. */
  readonly #textless = new Set<string>()
  readonly #ahead = new ReadAhead<Found>()
  /** Those whose texts are read ahead. */
  #next: TextlessPlace[] = []
  /** The newest behind those. */
  #waiting: TextlessPlace[] = []
  #toldAt = Number.NEGATIVE_INFINITY

  constructor(options: TextBackfillOptions) {
    this.#options = options
  }

  /** All are tried again. */
  forget(): void {
    this.#textless.clear()
    this.#waiting = []
  }

  get isAhead(): boolean {
    return this.#ahead.isBegun
  }

  /** Before anything is compared: folders may be others afterwards. */
  async forgetAhead(): Promise<void> {
    this.#next = []
    this.#waiting = []
    await this.#ahead.forget()
  }

  /**
   * @returns Whether there may be more.
   * @param goesOn Whether the next ones are read while these are written.
   */
  async step(isComplete: boolean, goesOn: boolean): Promise<boolean> {
    if (this.#textless.size > mostTextless) return false
    const group = this.#next.length > 0 ? this.#next : await this.#choose([])
    this.#next = []
    const [first] = group
    if (!first) return false
    if (!isComplete) await this.#tell(first.path)
    const { uidValidity, texts } = await this.#ahead.take(keyOf(first), () => this.#fetch(group))
    if (goesOn) await this.#begin(group)
    const isSame = first.uidValidity === uidValidity
    const read = new Set(isSame ? texts.map(({ uid }) => uid) : [])
    // Gone, or never answered: the next round finds out what became of them.
    for (const place of group) if (!read.has(place.uid)) this.#textless.add(keyOf(place))
    if (isSame) await this.#options.apply({ path: first.path, uidValidity, texts, announces: false })
    return true
  }

  /** The texts behind these. */
  async #begin(written: readonly TextlessPlace[]): Promise<void> {
    this.#next = await this.#choose(written)
    const [first] = this.#next
    if (first) this.#ahead.begin(keyOf(first), () => this.#fetch(this.#next))
  }

  /** The newest that have none, as far as they are in the folder of the first, but for these. */
  async #choose(besides: readonly TextlessPlace[]): Promise<TextlessPlace[]> {
    const passedOver = new Set([...this.#textless, ...besides.map(keyOf)])
    const isLeft = (place: TextlessPlace) => !passedOver.has(keyOf(place))
    let places = this.#waiting.filter(isLeft)
    if (places.length < textsOfStep)
      places = (await this.#options.index.listWithoutText(placesAtOnce + passedOver.size)).filter(isLeft)
    const chosen: TextlessPlace[] = []
    let bytes = 0
    for (const place of places.slice(0, textsOfStep)) {
      if (place.path !== (chosen[0] ?? place).path) continue
      bytes += Math.min(place.sizeBytes, maxBytesOfMessage)
      if (chosen.length > 0 && bytes > maxBytesOfStep) break
      chosen.push(place)
    }
    const taken = new Set(chosen)
    this.#waiting = places.filter(place => !taken.has(place))
    return chosen
  }

  #fetch(group: readonly TextlessPlace[]): Promise<Found> {
    const { path } = group[0]!
    const uids = group.map(({ uid }) => uid)
    return this.#options.ask(c => c.changes.listTexts(path, uids, maxTextBytes), path)
  }

  async #tell(path: string): Promise<void> {
    if (performance.now() - this.#toldAt < tellEveryMs) return
    this.#toldAt = performance.now()
    const { texts, messages } = await this.#options.index.figures()
    this.#options.tell(path, texts, messages)
  }
}

function keyOf({ path, uidValidity, uid }: Pick<TextlessPlace, 'path' | 'uidValidity' | 'uid'>): string {
  return `${uidValidity} ${uid} ${path}`
}

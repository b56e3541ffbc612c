/** Fetches the texts of messages indexed by headers only, newest first, a batch per step. */
import type { MailConnection } from '../imap/mail-gateway.ts'
import type { TextlessPlace } from '../index/index-gaps.ts'
import type { IndexOperations } from '../index/index-operations.ts'
import type { FolderBatch } from '../index/index-types.ts'
import { ReadAhead } from './read-ahead.ts'

export interface TextBackfillOptions {
  index: Pick<IndexOperations, 'listWithoutText' | 'figures'>
  /** Writes a batch, whose facts may be forwarded later. */
  apply(batch: FolderBatch): Promise<void>
  ask<T>(work: (connection: MailConnection) => Promise<T>, path: string): Promise<T>
  tell(folder: string, done: number, total: number): void
}

type Found = Awaited<ReturnType<MailConnection['changes']['listTexts']>>

/**
 * Bounds per step, which takes a command or two: messages; bytes of a text on the wire; bytes of a message's four
 * texts.
 */
const textsOfStep = 200
const maxTextBytes = 64 * 1024
const maxBytesOfMessage = 4 * maxTextBytes
/** Upper bound of fetched bytes per step; a first message above it still goes. Two steps are in memory. */
const maxBytesOfStep = 2 * 1024 * 1024
/** Messages without a text that are listed per query, enough for two steps. */
const placesAtOnce = 400
/** Messages without a fetchable text; above it no texts are read until the account is restarted. */
const mostTextless = 1_000
/** Minimum interval between progress reports, since counting takes longer with every message. */
const reportEveryMs = 1_000

export class TextBackfill {
  readonly #options: TextBackfillOptions
  /** Messages whose text could not be fetched; retried after a restart. */
  readonly #textless = new Set<string>()
  readonly #ahead = new ReadAhead<Found>()
  /** Messages whose texts are being read ahead. */
  #next: TextlessPlace[] = []
  /** Candidates after those, newest first. */
  #waiting: TextlessPlace[] = []
  /** Cursor: messages with lower numbers were not listed yet; undefined at the beginning. */
  #below: number | undefined
  #toldAt = Number.NEGATIVE_INFINITY

  constructor(options: TextBackfillOptions) {
    this.#options = options
  }

  /** Retries all failed texts. */
  forget(): void {
    this.#textless.clear()
    this.#beginAgain()
  }

  get isAhead(): boolean {
    return this.#ahead.isBegun
  }

  /** Called before folders are compared, since they may change. */
  async forgetAhead(): Promise<void> {
    this.#next = []
    this.#beginAgain()
    await this.#ahead.forget()
  }

  /**
   * Indexes the next texts. @returns Whether there may be more.
   * @param goesOn Whether to read the next ones ahead while these are written.
   */
  async step(isComplete: boolean, goesOn: boolean): Promise<boolean> {
    if (this.#textless.size > mostTextless) return false
    const group = this.#next.length > 0 ? this.#next : await this.#choose([])
    this.#next = []
    const [first] = group
    if (!first) return false
    if (!isComplete) await this.#tell(first.path)
    const { uidValidity, texts, memory } = await this.#ahead.take(keyOf(first), () => this.#fetch(group))
    if (goesOn) await this.#begin(group)
    const isSame = first.uidValidity === uidValidity
    const read = new Set(isSame ? texts.map(({ uid }) => uid) : [])
    // Expunged, or never returned: the next round finds out which.
    for (const place of group) if (!read.has(place.uid)) this.#textless.add(keyOf(place))
    if (isSame) await this.#options.apply({ path: first.path, uidValidity, texts, memory, announces: false })
    return true
  }

  /** Reads the next texts ahead. */
  async #begin(written: readonly TextlessPlace[]): Promise<void> {
    this.#next = await this.#choose(written)
    const [first] = this.#next
    if (first) this.#ahead.begin(keyOf(first), () => this.#fetch(this.#next))
  }

  /** Chooses the newest messages without text that share the first one's folder, except the given ones. */
  async #choose(besides: readonly TextlessPlace[]): Promise<TextlessPlace[]> {
    const passedOver = new Set([...this.#textless, ...besides.map(keyOf)])
    const isLeft = (place: TextlessPlace) => !passedOver.has(keyOf(place))
    let places = this.#waiting.filter(isLeft)
    if (places.length < textsOfStep) places = [...places, ...(await this.#list(placesAtOnce)).filter(isLeft)]
    if (places.length === 0 && this.#below !== undefined) {
      // Messages that were not read at the first attempt, or arrived since.
      this.#beginAgain()
      places = (await this.#list(placesAtOnce + passedOver.size)).filter(isLeft)
    }
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

  #beginAgain(): void {
    this.#waiting = []
    this.#below = undefined
  }

  /** Lists on from the cursor. */
  async #list(limit: number): Promise<TextlessPlace[]> {
    const places = await this.#options.index.listWithoutText(limit, this.#below)
    this.#below = places.at(-1)?.message ?? this.#below
    return places
  }

  #fetch(group: readonly TextlessPlace[]): Promise<Found> {
    const { path } = group[0]!
    const uids = group.map(({ uid }) => uid)
    return this.#options.ask(c => c.changes.listTexts(path, uids, maxTextBytes), path)
  }

  async #tell(path: string): Promise<void> {
    if (performance.now() - this.#toldAt < reportEveryMs) return
    this.#toldAt = performance.now()
    const { texts, messages } = await this.#options.index.figures()
    this.#options.tell(path, texts, messages)
  }
}

function keyOf({ path, uidValidity, uid }: Pick<TextlessPlace, 'path' | 'uidValidity' | 'uid'>): string {
  return `${uidValidity} ${uid} ${path}`
}

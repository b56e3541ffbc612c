/** Fetches the texts of messages that are indexed by their headers alone, newest first, a few with each step. */
import type { MailConnection } from '../imap/mail-gateway.ts'
import type { IndexOperations } from '../index/index-operations.ts'
import type { FolderBatch } from '../index/index-types.ts'

export interface TextBackfillOptions {
  index: Pick<IndexOperations, 'listWithoutText' | 'figures'>
  apply(batch: FolderBatch): Promise<void>
  ask<T>(work: (connection: MailConnection) => Promise<T>, path: string): Promise<T>
  tell(folder: string, done: number, total: number): void
}

/** Fetched with one command or two; each is cut at `maxTextBytes` on the wire. */
const textsOfStep = 50
const maxTextBytes = 64 * 1024
/** Past it no further texts are read until the account is started again. */
const mostTextless = 1_000

export class TextBackfill {
  readonly #options: TextBackfillOptions
  /** Messages whose text could not be fetched; they are tried again after a restart. */
  readonly #textless = new Set<string>()

  constructor(options: TextBackfillOptions) {
    this.#options = options
  }

  /** All are tried again. */
  forget(): void {
    this.#textless.clear()
  }

  /** @returns Whether there may be more. */
  async step(isComplete: boolean): Promise<boolean> {
    const { index, apply, ask, tell } = this.#options
    if (this.#textless.size > mostTextless) return false
    const places = await index.listWithoutText(textsOfStep + this.#textless.size)
    const missing = places.filter(place => !this.#textless.has(keyOf(place))).slice(0, textsOfStep)
    if (missing.length > 0 && !isComplete) {
      const { texts, messages } = await index.figures()
      tell(missing[0]!.path, texts, messages)
    }
    for (const [path, group] of Map.groupBy(missing, place => place.path)) {
      const uids = group.map(({ uid }) => uid)
      const { uidValidity, texts } = await ask(c => c.changes.listTexts(path, uids, maxTextBytes), path)
      const isSame = group[0]!.uidValidity === uidValidity
      const read = new Set(isSame ? texts.map(({ uid }) => uid) : [])
      // Gone, or never answered: the next round finds out what became of them.
      for (const place of group) if (!read.has(place.uid)) this.#textless.add(keyOf(place))
      if (isSame) await apply({ path, uidValidity, texts, announces: false })
    }
    return missing.length > 0
  }
}

function keyOf({ path, uidValidity, uid }: { path: string; uidValidity: number; uid: number }): string {
  return `${uidValidity} ${uid} ${path}`
}

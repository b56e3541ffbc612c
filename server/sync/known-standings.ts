/**
 * The folder states of an account at its last comparison: until when each is known to be indexed, and what changed
 * since.
 */
import { createHash } from 'node:crypto'
import type { Folder } from '../../contract/mail.ts'
import type { FolderStanding } from '../imap/gateway-capabilities.ts'

export class KnownStandings {
  /** Time by path up to which everything that the server reported is in the index. */
  readonly #asOf = new Map<string, number>()
  #listing: readonly Folder[] | undefined
  /** True when the listing in progress may predate a change. */
  #isLate = false
  /** Digest of a round in which every folder was read. */
  #digest: string | undefined
  #isTouched = true
  #isSettled = false

  /**
   * Folders as lists show them; undefined before the first round, after folder changes, and with folders of other
   * users.
   */
  get listing(): readonly Folder[] | undefined {
    return this.#listing
  }

  /** The times of all folders, by path. */
  get times(): [path: string, asOf: number][] {
    return [...this.#asOf]
  }

  /** Undefined before the first comparison of the folder. */
  asOf(path: string): number | undefined {
    return this.#asOf.get(path)
  }

  /** Forgets everything. */
  forget(): void {
    this.#asOf.clear()
    this.#listing = undefined
    this.#digest = undefined
    this.touch()
  }

  /** Called when the index was changed. */
  touch(): void {
    this.#isTouched = true
    this.#isSettled = false
  }

  /** Called when folders were changed: the listing is stale. */
  unlist(): void {
    this.#listing = undefined
    this.#isLate = true
  }

  /** Called when folders are about to be listed. */
  ask(): void {
    this.#isLate = false
  }

  list(standings: readonly FolderStanding[]): void {
    const paths = new Set(standings.map(({ path }) => path))
    for (const path of this.#asOf.keys()) if (!paths.has(path)) this.#asOf.delete(path)
    const listing = standings.map(each => each.listing).filter(each => each !== undefined)
    this.#listing = listing.length === standings.length && !this.#isLate ? listing : undefined
  }

  compared(path: string, asOf: number): void {
    this.#asOf.set(path, asOf)
  }

  /** Called after a round in which all folders were read. */
  roundOver(standings: readonly FolderStanding[]): void {
    const digest = digestOf(standings)
    // Orphans are removed by the round after the one that found them, so only an unchanged round is settled.
    this.#isSettled = !this.#isTouched && digest === this.#digest
    this.#digest = digest
    this.#isTouched = false
  }

  /**
   * True when the index needs no update. @param asksFlags Whether flags matter, which figures without MODSEQ do not
   * cover.
   */
  isUnchanged(standings: readonly FolderStanding[], asksFlags: boolean): boolean {
    if (!this.#isSettled || (asksFlags && !standings.every(countsChanges))) return false
    return digestOf(standings) === this.#digest
  }

  /** Moves the times of unchanged folders forward. */
  confirm(standings: readonly FolderStanding[], asOf: number): void {
    // The digest does not cover subscriptions.
    this.list(standings)
    for (const standing of standings) {
      const { path, status } = standing
      // Without MODSEQ, flag changes were not checked.
      if (status && countsChanges(standing)) this.#asOf.set(path, asOf)
    }
  }
}

function countsChanges({ status }: FolderStanding): boolean {
  return !status || status.modseq !== undefined
}

function digestOf(standings: readonly FolderStanding[]): string {
  const hash = createHash('sha256')
  for (const { path, role, isSelectable, status } of standings) {
    const { uidValidity, uidNext, modseq, total } = status ?? {}
    hash.update(JSON.stringify([path, role, isSelectable, uidValidity, uidNext, modseq?.toString(), total]))
  }
  return hash.digest('base64')
}

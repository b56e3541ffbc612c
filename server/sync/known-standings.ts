/** How the folders of an account stood when all were last compared: until when each is known to be indexed, and whether anything differs since. */
import { createHash } from 'node:crypto'
import type { Folder } from '../../contract/mail.ts'
import type { FolderStanding } from '../imap/gateway-capabilities.ts'

export class KnownStandings {
  /** By path: everything that the server reported until then is in the index. */
  readonly #asOf = new Map<string, number>()
  #listing: readonly Folder[] | undefined
  /** What is being listed may be from before a change. */
  #isLate = false
  /** Of a round in which every folder could be read. */
  #digest: string | undefined
  #isTouched = true
  #isSettled = false

  /** As lists show them; undefined before the first look, after a change of folders until the next one, and where the account sees folders of others. */
  get listing(): readonly Folder[] | undefined {
    return this.#listing
  }

  /** By path. */
  get times(): [path: string, asOf: number][] {
    return [...this.#asOf]
  }

  /** Undefined before the first look at the folder. */
  asOf(path: string): number | undefined {
    return this.#asOf.get(path)
  }

  /** Nothing is known any more. */
  forget(): void {
    this.#asOf.clear()
    this.#listing = undefined
    this.#digest = undefined
    this.touch()
  }

  /** The index was changed. */
  touch(): void {
    this.#isTouched = true
    this.#isSettled = false
  }

  /** Folders were changed: how they are now is to be listed. */
  unlist(): void {
    this.#listing = undefined
    this.#isLate = true
  }

  /** They are being listed from now on. */
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

  /** A round is over in which all folders were read. */
  roundOver(standings: readonly FolderStanding[]): void {
    const digest = digestOf(standings)
    // What left its last place is removed by the round after the one that saw it go, so one that changed nothing has nothing left to do.
    this.#isSettled = !this.#isTouched && digest === this.#digest
    this.#digest = digest
    this.#isTouched = false
  }

  /** Whether the index has nothing to do. @param asksFlags They are wanted too; where a server counts no changes, its figures do not tell of them. */
  isUnchanged(standings: readonly FolderStanding[], asksFlags: boolean): boolean {
    if (!this.#isSettled || (asksFlags && !standings.every(countsChanges))) return false
    return digestOf(standings) === this.#digest
  }

  /** All of them, which are unchanged, as of a later time. */
  confirm(standings: readonly FolderStanding[], asOf: number): void {
    // The figures do not say what is subscribed to.
    this.list(standings)
    for (const standing of standings) {
      const { path, status } = standing
      // Other flags were not looked for.
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

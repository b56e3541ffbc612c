/**
 * Folders of an account that were reported as changed. Messages that left one may have been moved by another program:
 * until they are found in their new folder, lists, threads and searches lack them.
 */
import type { FolderStanding } from '../imap/gateway-capabilities.ts'
import type { IndexedFolder } from '../index/index-types.ts'

/** A snapshot taken before the mail server is queried. */
export interface Notices {
  readonly paths: ReadonlySet<string>
  /** Messages left a folder, so folders with new messages are compared too. */
  readonly isMissing: boolean
}

export class NoticedFolders {
  readonly #paths = new Set<string>()
  #isMissing = false

  add(path: string): void {
    this.#paths.add(path)
  }

  /** Reports that messages left a folder other than by our own requests. */
  miss(): void {
    this.#isMissing = true
  }

  get isAny(): boolean {
    return this.#paths.size > 0 || this.#isMissing
  }

  get now(): Notices {
    return { paths: new Set(this.#paths), isMissing: this.#isMissing }
  }

  /** Clears the notices of a snapshot, since the server was queried. Later notices may not be covered by its answer. */
  asked({ paths, isMissing }: Notices): void {
    for (const path of paths) this.#paths.delete(path)
    if (isMissing) this.#isMissing = false
  }
}

/** Returns the folders to compare, the noticed ones first. */
export function pathsToLookAt(
  { paths, isMissing }: Notices,
  standings: readonly FolderStanding[],
  folders: readonly IndexedFolder[],
): string[] {
  if (!isMissing) return [...paths]
  const next = new Map(folders.map(({ path, uidValidity, uidNext }) => [path, { uidValidity, uidNext }]))
  const into = standings.filter(({ path, status }) => {
    const known = next.get(path)
    return status && known && status.uidValidity === known.uidValidity && status.uidNext > known.uidNext
  })
  return [...new Set([...paths, ...into.map(({ path }) => path)])]
}

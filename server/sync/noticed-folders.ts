/**
 * Folders of an account that are said to have changed. Messages that left one of them may have been moved by another program: until they are found
 * where they came up, lists, threads and searches have them nowhere.
 */
import type { FolderStanding } from '../imap/gateway-capabilities.ts'
import type { IndexedFolder } from '../index/index-types.ts'

/** As it stood before the mail server was asked. */
export interface Notices {
  readonly paths: ReadonlySet<string>
  /** Messages left a folder, so folders into which some came are looked at too. */
  readonly isMissing: boolean
}

export class NoticedFolders {
  readonly #paths = new Set<string>()
  #isMissing = false

  add(path: string): void {
    this.#paths.add(path)
  }

  /** Messages left a folder, which nobody here asked for. */
  miss(): void {
    this.#isMissing = true
  }

  get isAny(): boolean {
    return this.#paths.size > 0 || this.#isMissing
  }

  get now(): Notices {
    return { paths: new Set(this.#paths), isMissing: this.#isMissing }
  }

  /** The mail server was asked how they stand. From here on a further notice is of something that its answer may not hold. */
  asked({ paths, isMissing }: Notices): void {
    for (const path of paths) this.#paths.delete(path)
    if (isMissing) this.#isMissing = false
  }
}

/** Folders to compare, the noticed ones first. */
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

/** Determines what a search of the index did not cover, and which folders the mail server must search. */
import type { IndexReach } from '../index/index-reach.ts'
import type { IndexedFolder } from '../index/index-types.ts'
import type { ServerFolder } from './server-search.ts'

export interface Missing {
  /** Texts of mail received up to this second are not indexed; null when they are, or do not matter. */
  textlessFrom: number | null
  /** Folders whose older messages are not indexed. */
  below: IndexReach['missing']
}

/** @param wantsTexts True when missing texts affect the result. */
export function missingIn(reach: IndexReach, wantsTexts: boolean): 'nothing' | Missing {
  const textlessFrom = wantsTexts ? reach.textlessFrom : null
  if (textlessFrom === null && reach.missing.length === 0) return 'nothing'
  return { textlessFrom, below: reach.missing }
}

/** Returns folders with the range that the index lacks. @param known All folders of the index. */
export function foldersToSearch({ below, textlessFrom }: Missing, known: readonly IndexedFolder[]): ServerFolder[] {
  const belowOf = new Map(below.map(({ path, belowUid }) => [path, belowUid]))
  return known
    .filter(({ path, isSelectable }) => isSelectable && (textlessFrom !== null || belowOf.has(path)))
    .map(({ path, role }) => {
      const belowUid = belowOf.get(path)
      if (textlessFrom === null) return { path, role, belowUid: belowUid ?? undefined }
      // Where headers are missing, texts are too: the whole folder is searched.
      return { path, role, beforeSecond: belowUid === undefined ? textlessFrom : undefined }
    })
}

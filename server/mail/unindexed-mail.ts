/** What of an account's mail a search of its index has not seen, and which folders the mail server is asked for it. */
import type { IndexReach } from '../index/index-reach.ts'
import type { IndexedFolder } from '../index/index-types.ts'
import type { ServerFolder } from './server-search.ts'

export interface Missing {
  /** Texts of mail received at this second or before are not indexed; null where they are, or do not matter. */
  textlessFrom: number | null
  /** Folders of which older messages are missing. */
  below: IndexReach['missing']
}

/** @param wantsTexts Whether texts that are missing decide what is found. */
export function missingIn(reach: IndexReach, wantsTexts: boolean): 'nothing' | Missing {
  const textlessFrom = wantsTexts ? reach.textlessFrom : null
  if (textlessFrom === null && reach.missing.length === 0) return 'nothing'
  return { textlessFrom, below: reach.missing }
}

/** Each with what of it the index has not seen. @param known All that the index knows. */
export function foldersToAsk({ below, textlessFrom }: Missing, known: readonly IndexedFolder[]): ServerFolder[] {
  const belowOf = new Map(below.map(({ path, belowUid }) => [path, belowUid]))
  return known
    .filter(({ path, isSelectable }) => isSelectable && (textlessFrom !== null || belowOf.has(path)))
    .map(({ path, role }) => {
      const belowUid = belowOf.get(path)
      if (textlessFrom === null) return { path, role, belowUid: belowUid ?? undefined }
      // Where headers are missing, texts are: all of the folder is searched.
      return { path, role, beforeSecond: belowUid === undefined ? textlessFrom : undefined }
    })
}

/** Which messages were read, for the trail: so short that all of one call find room in one entry. */
import { createHash } from 'node:crypto'
import type { MessagePlace } from '../imap/message-ref.ts'

const unseen = /[\p{Default_Ignorable_Code_Point}\u2028\u2029\ufff9-\ufffb]/gu
/** What one name of an entry may hold. Of two folders with a message each both find room, so twenty of them take ten names. */
const maxNoteLength = 700
/** Of a folder's path, quoted; of a longer one the beginning and a digest. */
const maxFolderLength = 280
const digestLength = 12

/**
 * `"INBOX" 3:771,772`: the folder, its UIDVALIDITY, the UIDs; of several folders with `; ` between them, under `read`, `read_2` and so on.
 * @param places At most twenty, in any order.
 */
export function readNotes(places: readonly MessagePlace[]): Record<string, string> {
  const uids = new Map<string, Set<number>>()
  for (const { folder, uidValidity, uid } of places) {
    const list = `${quoted(folder)} ${uidValidity}`
    uids.set(list, (uids.get(list) ?? new Set()).add(uid))
  }
  const notes: string[] = []
  for (const [list, all] of uids) {
    const note = `${list}:${[...all].join()}`
    const last = notes.at(-1)
    if (last === undefined || last.length + note.length + 2 > maxNoteLength) notes.push(note)
    else notes[notes.length - 1] = `${last}; ${note}`
  }
  return Object.fromEntries(notes.map((note, index) => [index === 0 ? 'read' : `read_${index + 1}`, note]))
}

/** In quotation marks, since a folder may be called as if it were several; what nobody would see is written as its number. */
function quoted(folder: string): string {
  const whole = escaped(folder)
  if (whole.length <= maxFolderLength) return whole
  const digest = createHash('sha256').update(folder).digest('hex').slice(0, digestLength)
  let length = 120
  while (escaped(folder.slice(0, length)).length > maxFolderLength - digestLength - 1) length >>= 1
  return `${escaped(folder.slice(0, length).toWellFormed())}…${digest}`
}

function escaped(folder: string): string {
  const numberOf = (character: string) =>
    character.replaceAll(/[\s\S]/g, unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
  return JSON.stringify(folder).replaceAll(unseen, numberOf)
}

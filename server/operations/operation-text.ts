/**
 * Serializes operations with results field by field as in the contract; validating them would take longer than that.
 */
import type { MessageRefs } from '../imap/message-ref.ts'
import type { ItemRow, OperationRow, Place } from './operation-tables.ts'
import { isPlaced, placeAfter, placeOf } from './operation-tables.ts'
import { toOperation } from './operation-view.ts'

type Refs = Pick<MessageRefs, 'encodeIn' | 'canName'>

export function toResultsText(row: OperationRow, items: readonly ItemRow[], refs: Refs): string {
  const refOf = refsOf(row.account_id, refs)
  const textOf = textsOnce()
  const results = items.map(item => {
    const { message_id, path, state, code, why } = item
    const after = placeAfter(item)
    const ref = isPlaced(item) ? refOf(placeOf(item)) : 'null'
    return (
      `{"id":${textOf(message_id)},"ref":${ref},"folder":${textOf(path)},"state":"${state}","code":${textOf(code)},` +
      `"why":${textOf(why)},"new_ref":${after ? refOf(after) : 'null'}}`
    )
  })
  return `${JSON.stringify(toOperation(row)).slice(0, -1)},"results":[${results.join()}]}`
}

/** Returns an encoder of references as JSON, which prepares each folder only once. */
function refsOf(accountId: string, refs: Refs): (place: Place) => string {
  const folders = new Map<string, (uid: number) => string>()
  const folderOf = ({ path, uidValidity }: Place) => {
    const key = `${uidValidity}:${path}`
    const known = folders.get(key)
    if (known) return known
    const encode = refs.canName(path) ? refs.encodeIn(accountId, path, uidValidity) : undefined
    // A reference has no characters that JSON escapes.
    const made = encode ? (uid: number) => `"${encode(uid)}"` : () => 'null'
    folders.set(key, made)
    return made
  }
  return place => folderOf(place)(place.uid)
}

/** Returns a serializer for ids, and for the few texts that repeat, which it caches. */
function textsOnce(): (text: string | null) => string {
  const known = new Map<string, string>()
  return text => {
    if (text === null) return 'null'
    if (plain.test(text)) return `"${text}"`
    const made = known.get(text) ?? JSON.stringify(text)
    known.set(text, made)
    return made
  }
}

/** Matches texts in which JSON escapes nothing. */
const plain = /^[A-Za-z0-9_-]{1,40}$/

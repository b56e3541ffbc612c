/** Converts rows of operations and their messages to the contract. */
import type { Operation, OperationResult, OperationWithResults } from '../../contract/operations.ts'
import type { MessageRefs } from '../imap/message-ref.ts'
import { fromWireFlag } from './flag-words.ts'
import type { FolderArguments } from './folder-kinds.ts'
import { countsOfRow } from './operation-facts.ts'
import {
  type Arguments,
  type ItemRow,
  isPlaced,
  type OperationRow,
  type Place,
  placeAfter,
  placeOf,
} from './operation-tables.ts'

export function toOperation(row: OperationRow): Operation {
  const { add = [], remove = [], to = null, folder } = JSON.parse(row.arguments) as Arguments & Partial<FolderArguments>
  return {
    id: row.id,
    account_id: row.account_id,
    principal: { kind: kindOf(row), id: row.principal_id, name: row.principal_name },
    session: row.session,
    at: row.at,
    kind: row.kind,
    add: add.map(fromWireFlag),
    remove: remove.map(fromWireFlag),
    ...(folder !== undefined && { folder }),
    to,
    state: row.state,
    counts: countsOfRow(row),
    settled_at: row.settled_at,
    waits_because: row.error,
    undo_of: row.undo_of,
    undone_by: row.undone_by,
    proposal_id: row.proposal_id,
  }
}

function kindOf({ principal_kind: kind }: OperationRow): 'session' | 'token' | 'api_key' {
  return kind === 'anonymous' ? 'api_key' : kind
}

export function toResults(
  row: OperationRow,
  items: readonly ItemRow[],
  refs: Pick<MessageRefs, 'encode' | 'canName'>,
): OperationWithResults {
  const refOf = ({ path: folder, uidValidity, uid }: Place) =>
    refs.canName(folder) ? refs.encode(row.account_id, { folder, uidValidity, uid }) : null
  const results = items.map((item): OperationResult => {
    const after = placeAfter(item)
    return {
      id: item.message_id,
      ref: isPlaced(item) ? refOf(placeOf(item)) : null,
      folder: item.path,
      state: item.state,
      code: item.code,
      why: item.why,
      new_ref: after ? refOf(after) : null,
    }
  })
  return { ...toOperation(row), results }
}

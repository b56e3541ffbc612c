/** The first row of a draft and the columns of each further revision; and the list cursor, which names a draft. */

import { randomBytes } from 'node:crypto'
import type { DraftMode } from '../../contract/draft.ts'
import { badCursor } from '../platform/list-query.ts'
import type { Principal } from '../platform/principal.ts'
import type { DraftContent, DraftRow } from './draft-tables.ts'
import { kindOf } from './draft-view.ts'

export function newRow(principal: Principal, accountId: string, mode: DraftMode, content: DraftContent): DraftRow {
  const at = new Date().toISOString()
  return {
    id: `d${randomBytes(16).toString('base64url').slice(0, 21)}`,
    account_id: accountId,
    rev: 1,
    state: 'open',
    submission_id: null,
    mode,
    content: JSON.stringify(content),
    ...{ source: null, quote: null, key: newKey() },
    principal_kind: principal.kind,
    principal_id: principal.id,
    principal_name: principal.name,
    user_id: principal.userId,
    proposal_id: null,
    taint_ms: 0,
    changed_by: changedBy(principal),
    ...{ created_at: at, updated_at: at },
  }
}

export function nextRevision(principal: Principal, rev: number) {
  return { rev: rev + 1, key: newKey(), changed_by: changedBy(principal), updated_at: new Date().toISOString() }
}

/** @throws Problem `bad_request` */
export function readCursor(cursor: string): { updatedAt: string; id: string } {
  const [updatedAt = '', id = ''] = Buffer.from(cursor, 'base64url').toString('utf8').split(' ')
  if (/^\d{4}-[\d:.TZ-]{19}$/.test(updatedAt) && /^d[\w-]{21}$/.test(id)) return { updatedAt, id }
  throw badCursor()
}

export function writeCursor({ updated_at, id }: DraftRow): string {
  return Buffer.from(`${updated_at} ${id}`).toString('base64url')
}

/** Random, so that nobody can predict it. */
function newKey(): string {
  return randomBytes(16).toString('hex')
}

function changedBy({ kind, id, name, userId }: Principal): string {
  return JSON.stringify({ kind: kindOf(kind), id, name, user_id: userId })
}

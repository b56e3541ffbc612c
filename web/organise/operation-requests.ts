/** Requests operations and undos, idempotently: an unanswered request is retried with the same key. */
import { api } from '../../contract/index.ts'
import { operationBounds } from '../../contract/operation.ts'
import type { MessageActions, OperationWithResults, UndoReport } from '../../contract/operations.ts'
import { ApiProblem, call } from '../platform/api-client.ts'
import type { Change } from './mail-actions.ts'
import type { Named } from './named-rows.ts'

const attempts = 3
const firstWaitMs = 500
/** Maximum `Retry-After` that is waited for, in milliseconds. */
const mostWaitMs = 5_000

/** Messages of one account that fit into one request. */
export interface Batch {
  accountId: string
  named: readonly Named[]
}

export function batchesOf(named: readonly Named[]): Batch[] {
  return [...Map.groupBy(named, ({ row }) => row.accountId)].flatMap(([accountId, all]) => {
    const count = Math.ceil(all.length / operationBounds.messages)
    const part = (index: number) => all.slice(index * operationBounds.messages, (index + 1) * operationBounds.messages)
    return Array.from({ length: count }, (_, index) => ({ accountId, named: part(index) }))
  })
}

export function requestChange(change: Change, { accountId, named }: Batch): Promise<OperationWithResults> {
  const ids = named.map(({ name }) => name)
  const params = { account_id: accountId }
  return keyed(headers =>
    change.kind === 'delete'
      ? call(api.operations.deleteMessages, { params, body: { ids }, headers })
      : call(api.operations.changeMessages, { params, body: bodyOf(change, ids), headers }),
  )
}

export function requestUndo(operationId: string): Promise<UndoReport> {
  const params = { operation_id: operationId }
  return keyed(headers => call(api.operations.undoOperation, { params, body: { dry_run: false }, headers }))
}

/** Calls with one idempotency key for all attempts; also used for other calls that must not run twice. */
export async function keyed<Answer>(send: (headers: Record<string, string>) => Promise<Answer>): Promise<Answer> {
  const headers = { 'idempotency-key': newKey() }
  for (let attempt = 1; ; attempt++) {
    try {
      return await send(headers)
    } catch (error) {
      const ms = attempt < attempts ? waitOf(error, attempt) : undefined
      if (ms === undefined) throw error
      await new Promise(resolve => setTimeout(resolve, ms))
    }
  }
}

/** `randomUUID` is available only over HTTPS. */
export function newKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(12))].map(byte => byte.toString(16).padStart(2, '0')).join('')
}

function bodyOf(change: Exclude<Change, { kind: 'delete' }>, ids: string[]): MessageActions {
  if (change.kind === 'flags') return { ids, add: [...change.add], remove: [...change.remove] }
  return change.kind === 'move' ? { ids, move_to: change.target } : { ids, copy_to: change.target }
}

/** Returns the milliseconds until a retry; undefined if it would fail the same way. */
function waitOf(error: unknown, attempt: number): number | undefined {
  if (!(error instanceof ApiProblem)) return undefined
  if (error.code === 'unreachable') return firstWaitMs * 2 ** (attempt - 1)
  const ms = error.status === 429 || error.status === 503 ? (error.retryAfterSeconds ?? 1) * 1_000 : undefined
  return ms !== undefined && ms <= mostWaitMs ? ms : undefined
}

/** Routes /api/v1/accounts/{account_id}/messages/actions and /delete, /folders, and /api/v1/operations with undo. */
import { type MessageActions, operationsApi } from '../../contract/operations.ts'
import { JsonText } from '../platform/http/answer-text.ts'
import type { Call } from '../platform/http/http-call.ts'
import { type HttpServer, handle } from '../platform/http/http-server.ts'
import { checkKey } from './accepted-calls.ts'
import type { FolderService, WantedOfFolder } from './folder-service.ts'
import type { OperationService, Wanted } from './operation-service.ts'
import type { OperationRow } from './operation-tables.ts'
import type { UndoService } from './undo-service.ts'

function wantedOf({ ids, add, remove, move_to, copy_to }: MessageActions): Wanted {
  if (move_to) return { kind: 'move', ids, to: move_to }
  if (copy_to) return { kind: 'copy', ids, to: copy_to }
  return { kind: 'flags', ids, add, remove }
}

function howOf(call: Call<unknown, unknown, unknown>) {
  const key = call.header('idempotency-key')
  // A dry run has no use for the key, but tells its sender of a wrong one.
  checkKey(key)
  return { signal: call.signal, key }
}

export interface OperationServices {
  operations: OperationService
  folders: FolderService
  undo: UndoService
}

export function operationRoutes(http: HttpServer, { operations, folders, undo }: OperationServices): void {
  folderRoutes(http, folders)
  const accept = async (call: Call<{ account_id: string }, unknown, unknown>, wanted: Wanted) => {
    const { principal, params, signal } = call
    const taken = ({ id, kind, total }: OperationRow) => {
      call.note({ operation_id: id, kind, messages: String(total) })
      call.recordAs(202)
    }
    const key = call.header('idempotency-key')
    return new JsonText(await operations.acceptAsText(principal, params.account_id, wanted, { signal, key, taken }))
  }
  handle(http, operationsApi.changeMessages, call => accept(call, wantedOf(call.body)))
  handle(http, operationsApi.deleteMessages, call => accept(call, { kind: 'delete', ids: call.body.ids }))
  handle(http, operationsApi.listOperations, ({ principal, query }) => operations.list(principal, query))
  handle(
    http,
    operationsApi.getOperation,
    async ({ principal, params }) => new JsonText(await operations.getAsText(principal, params.operation_id)),
  )
  handle(http, operationsApi.undoOperation, async call => {
    const { principal, params, body } = call
    const report = await undo.undoOne(principal, params.operation_id, body.dry_run, howOf(call))
    const [undone] = report.undone
    call.note({ dry_run: String(body.dry_run), ...(undone?.undo && { undo_operation_id: undone.undo.id }) })
    return report
  })
  handle(http, operationsApi.undoOperations, async call => {
    const { principal, body } = call
    const report = await undo.undoSince(principal, body, howOf(call))
    const undone = report.undone.filter(each => each.undo !== null)
    call.note({
      dry_run: String(body.dry_run),
      undone_principal: body.principal,
      ...(body.since !== undefined && { since: body.since }),
      ...(body.session !== undefined && { undone_session: body.session }),
      operations: String(undone.length),
    })
    return report
  })
}

function folderRoutes(http: HttpServer, folders: FolderService): void {
  const accept = async (call: Call<{ account_id: string }, unknown, unknown>, wanted: WantedOfFolder) => {
    const { signal, key } = howOf(call)
    const accepted = await folders.accept(call.principal, call.params.account_id, wanted, signal, key)
    call.note({ operation_id: accepted.id, kind: accepted.kind, folder: wanted.folder })
    return accepted
  }
  handle(http, operationsApi.createFolder, call => {
    const { path: folder, role } = call.body
    return accept(call, { kind: 'create_folder', folder, role })
  })
  handle(http, operationsApi.changeFolder, call => {
    const { folder } = call.query
    const { path: to, subscribed } = call.body
    if (to !== undefined) return accept(call, { kind: 'rename_folder', folder, to })
    return accept(call, { kind: subscribed ? 'subscribe_folder' : 'unsubscribe_folder', folder })
  })
  handle(http, operationsApi.deleteFolder, call => {
    const { folder, messages } = call.query
    return accept(call, { kind: 'delete_folder', folder, isEmptied: messages === 'delete' })
  })
}

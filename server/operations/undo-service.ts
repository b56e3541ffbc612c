/** Undoes one operation, or all of a caller since a time: a dry run lists the changes, and new operations make them. */
import { operationBounds, type UndoReport } from '../../contract/operations.ts'
import type { ConnectionPool } from '../imap/connection-pool.ts'
import type { MailConnection } from '../imap/mail-gateway.ts'
import { maySeeAccount, type Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import { visibleAccounts } from '../platform/visible-figures.ts'
import { type AcceptedCalls, type KeyedCall, keyedCall, type NewOperation } from './accepted-calls.ts'
import { type FolderArguments, isFolderKind } from './folder-kinds.ts'
import { inverseOf, planFolder } from './folder-undo.ts'
import type { MovedMessageStore } from './moved-message-store.ts'
import { newFolderOperation, newItem, newOperation, settleIfNothing } from './new-operation.ts'
import { type MayChange, mayChangeAll, type StillMay } from './operation-control.ts'
import type { OperationIds } from './operation-id.ts'
import { principalIdOf, refuseUndo, sightOf } from './operation-rights.ts'
import type { OperationService } from './operation-service.ts'
import type { OperationStore } from './operation-store.ts'
import { type Arguments, type Change, isPlaced, type OperationRow, placeOf } from './operation-tables.ts'
import { lastDoneFirst } from './undo-order.ts'
import { type PlannedUndo, type Undoable, UndoPlan } from './undo-plan.ts'
import { reportOf, visibleReport } from './undo-report.ts'

export interface UndoServiceOptions {
  store: OperationStore
  moved: MovedMessageStore
  calls: AcceptedCalls
  ids: OperationIds
  operations: Pick<OperationService, 'getRow' | 'checkAccount'>
  pool: Pick<ConnectionPool, 'run'>
  /** Called before an undo is accepted; omitted when everything may be changed. */
  mayChange?: MayChange
}

export interface UndoQuery {
  /** Id of the principal whose operations are undone. */
  principal: string
  /** At least one of `since` and `session` is set. */
  since?: string | undefined
  /** Name of a work session, which is a label within its principal. */
  session?: string | undefined
  account_id?: string | undefined
  /** Only operations with lower ids. */
  before?: string | undefined
  dry_run: boolean
}

/** Properties of a call besides what it asks for. */
export interface UndoCall {
  signal: AbortSignal
  key?: string | undefined
}

const undoKinds = { flags: 'flags', move: 'move', copy: 'delete', delete: 'delete' } as const

export class UndoService {
  readonly #options: UndoServiceOptions

  constructor(options: UndoServiceOptions) {
    this.#options = options
  }

  async undoOne(principal: Principal, id: string, isDryRun: boolean, { signal, key }: UndoCall): Promise<UndoReport> {
    const row = await this.#options.operations.getRow(principal, id)
    refuseUndo(principal, row)
    const call = keyedCall(principal, isDryRun ? undefined : key, ['undo', id])
    const before = await this.#options.calls.repeated(call)
    if (before !== undefined) return JSON.parse(before) as UndoReport
    if (row.state === 'pending') throw new Problem('cannot_undo', 'The operation is not finished yet.')
    if (isUnapplied(row)) throw new Problem('cannot_undo', 'The operation was only proposed: nothing of it was done.')
    const report = await this.#undo(principal, [row], isDryRun, call, signal)
    const [undone] = report.undone
    if (isDryRun || !undone || undone.undo) return report
    const why = report.changes.find(change => change.why !== null)?.why ?? 'It changed nothing.'
    throw new Problem('cannot_undo', `Nothing of this operation can be undone. ${why}`)
  }

  async undoSince(
    principal: Principal,
    { principal: named, since, session, account_id: accountId, before, dry_run: isDryRun }: UndoQuery,
    { signal, key }: UndoCall,
  ): Promise<UndoReport> {
    const { store, calls } = this.#options
    const whose = principalIdOf(named)
    if (principal.kind === 'token' && whose !== principal.id) {
      const detail =
        'A token can undo only what it did itself; a signed-in user with dashboard:operate can undo the rest.'
      throw new Problem('forbidden', detail, { missing_scope: 'dashboard:operate' })
    }
    if (accountId !== undefined && !maySeeAccount(principal, accountId)) {
      throw new Problem('account_not_found', 'There is no such account.')
    }
    const content = [
      'undo',
      whose,
      since ?? null,
      accountId ?? null,
      before,
      ...(session === undefined ? [] : [session]),
    ]
    const call = keyedCall(principal, isDryRun ? undefined : key, content)
    const repeated = await calls.repeated(call)
    if (repeated !== undefined) return visibleReport(principal, repeated)
    const visible = visibleAccounts(principal)
    const accounts = accountId !== undefined ? [accountId] : visible && [...visible]
    const { undone: most, undoneMessages } = operationBounds
    const rows = await store.list({
      accounts,
      ...sightOf(principal),
      principalId: whose,
      session,
      since,
      before,
      limit: most + 1,
    })
    for (const row of rows.slice(0, 1)) refuseUndo(principal, row)
    const meant = withinBounds(rows.slice(0, most), undoneMessages)
    const done = meant.filter(row => !isUnapplied(row))
    const report = await this.#undo(principal, withoutUndone(done), isDryRun, call, signal)
    return { ...report, has_more: meant.length < rows.length }
  }

  async #undo(
    principal: Principal,
    rows: readonly OperationRow[],
    isDryRun: boolean,
    call: KeyedCall,
    signal: AbortSignal,
  ): Promise<UndoReport> {
    const accounts = new Set(rows.map(row => row.account_id))
    for (const accountId of accounts) await this.#options.operations.checkAccount(principal, accountId)
    const undoables = lastDoneFirst(await this.#settled(rows))
    const planned = new Map<string, PlannedUndo>()
    for (const [accountId, ofAccount] of Map.groupBy(undoables, ({ operation }) => operation.account_id)) {
      for (const plan of await this.#plan(accountId, ofAccount, signal)) planned.set(plan.operation.id, plan)
    }
    const plans = rows.map(operation => planned.get(operation.id) ?? { operation, changes: [] })
    const meant = new Map<string, NewOperation>()
    if (!isDryRun) {
      for (const { operation } of undoables) {
        const plan = planned.get(operation.id)
        const undo = plan && this.#undoOf(principal, plan)
        if (undo) meant.set(operation.id, undo)
      }
    }
    const report = reportOf(plans, meant, isDryRun)
    if (isDryRun || meant.size === 0) return report
    const still: (StillMay | undefined)[] = []
    for (const [id, undo] of meant) still.push(await this.#mayChange(principal, undo, planned.get(id)?.inside))
    // They run in id order, so nothing may be awaited between taking their ids and accepting them.
    const undos = new Map([...meant].map(([id, undo]) => [id, withId(undo, this.#options.ids.next())]))
    const omitted = report.changes.length + report.changes_omitted
    // Called when the rows say whether the undos are pending or only proposed.
    const kept = () => {
      const { undone, ...taken } = reportOf(plans, undos, isDryRun)
      const some = undone.filter(({ undo }) => undo !== null)
      return JSON.stringify({ ...taken, undone: some, changes: [], changes_omitted: omitted } satisfies UndoReport)
    }
    const repeated = await this.#options.calls.take(call, [...undos.values()], kept, { still })
    return repeated === undefined ? reportOf(plans, undos, isDryRun) : (JSON.parse(repeated) as UndoReport)
  }

  async #mayChange(
    principal: Principal,
    { operation, items }: NewOperation,
    inside: readonly string[] = [],
  ): Promise<StillMay | undefined> {
    const { mayChange = mayChangeAll } = this.#options
    const messages = items.filter(isPlaced).map(item => ({
      messageId: item.message_id,
      place: placeOf(item),
      change: JSON.parse(item.change) as Change,
    }))
    const { kind, account_id, undo_of } = operation
    const { folder: path, to, isEmptied } = JSON.parse(operation.arguments) as Partial<FolderArguments>
    const folder = path === undefined ? {} : { folder: { path, to, isEmptied, inside } }
    return mayChange(principal, account_id, { kind, undoOf: undo_of ?? undefined, messages, ...folder })
  }

  async #settled(rows: readonly OperationRow[]): Promise<Undoable[]> {
    const all: Undoable[] = []
    for (const operation of rows) {
      if (operation.state === 'pending') continue
      all.push({ operation, items: await this.#options.store.items(operation.id) })
    }
    return all
  }

  /** @param all In the order of `lastDoneFirst`. */
  async #plan(accountId: string, all: readonly Undoable[], signal: AbortSignal): Promise<PlannedUndo[]> {
    const { moved, pool } = this.#options
    const undoables = all.filter(({ operation }) => !isFolderKind(operation.kind))
    const ofFolders = all.filter(({ operation }) => isFolderKind(operation.kind))
    const places = UndoPlan.places(undoables)
    if (places.length === 0 && ofFolders.length === 0) return []
    const plan = new UndoPlan(await moved.follow(accountId, places))
    const look = async (connection: MailConnection) => {
      await plan.look(connection, undoables)
      const folders = ofFolders.length > 0 ? await connection.listFolders(false) : []
      const planned = plan.make(undoables)
      for (const each of ofFolders) {
        const earlier = new Set(all.slice(0, all.indexOf(each)).map(({ operation }) => operation.id))
        const before = planned.filter(({ operation }) => earlier.has(operation.id))
        planned.push(await planFolder(connection, folders, each, before))
      }
      return planned
    }
    return pool.run(accountId, 'interactive', look, signal)
  }

  /** Builds the undo, without an id yet. @returns Undefined when nothing would change. */
  #undoOf(principal: Principal, { operation, changes }: PlannedUndo): NewOperation | undefined {
    const meant = changes.filter(({ outcome }) => outcome === 'will_change')
    if (meant.length === 0) return undefined
    const inverse = inverseOf(operation)
    const its = { id: '', accountId: operation.account_id, undoOf: operation.id }
    if (inverse) return newFolderOperation(principal, { ...its, ...inverse, undoes: 0 })
    const targets = new Set(meant.map(({ change }) => change.to))
    const [to] = targets
    const args: Arguments = targets.size === 1 && to !== undefined ? { to } : {}
    const kind = undoKinds[operation.kind as keyof typeof undoKinds]
    const undo = newOperation(principal, { ...its, kind, args })
    const items = meant.map(({ item, place, change }, position) => ({
      ...newItem(undo, position, JSON.stringify(change), { messageId: item.message_id, place: place! }),
      identity: item.identity,
      undoes: item.position,
    }))
    settleIfNothing(undo, items)
    return { operation: undo, items }
  }
}

function withId({ operation, items }: NewOperation, id: string): NewOperation {
  return { operation: { ...operation, id }, items: items.map(item => ({ ...item, operation_id: id })) }
}

function isUnapplied({ state }: OperationRow): boolean {
  return state === 'proposed' || state === 'declined'
}

/** Returns the newest operations that stay within the bound on messages, at least one. */
function withinBounds(rows: readonly OperationRow[], messages: number): OperationRow[] {
  let sum = 0
  const end = rows.findIndex(({ total }, index) => {
    sum += total
    return index > 0 && sum > messages
  })
  return rows.slice(0, end === -1 ? rows.length : end)
}

/** Drops undos of operations in the list: undoing both amounts to undoing the original. */
function withoutUndone(rows: readonly OperationRow[]): OperationRow[] {
  const ids = new Set(rows.map(({ id }) => id))
  return rows.filter(({ undo_of: undoOf }) => undoOf === null || !ids.has(undoOf))
}

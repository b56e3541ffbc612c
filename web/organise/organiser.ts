/**
 * Applies changes to messages optimistically: shows them at once, offers undo, and rolls back with a reason on failure.
 */
import type { QueryClient } from '@tanstack/react-query'
import type { OperationWithResults, UndoReport } from '../../contract/operations.ts'
import type { MailPage, MailRow } from '../mail/mail-row.ts'
import { ApiProblem } from '../platform/api-client.ts'
import { formatCount, formatNumber } from '../platform/format.ts'
import type { ToastInput } from '../ui/toast.tsx'
import { type ActionId, type Change, doneWords, undoneVerb } from './mail-actions.ts'
import { type Named, nameMessages } from './named-rows.ts'
import { flagOpenMessages } from './open-messages.ts'
import { type Batch, batchesOf, newKey, requestChange, requestUndo } from './operation-requests.ts'
import type { PendingChanges } from './pending-changes.ts'
import { inverseOf, isConversation, type Patch, type PatchedList, patched, patchOf } from './row-patches.ts'
import type { Settled, TrackedOperations } from './tracked-operations.ts'

export interface Wanted {
  change: Change
  /** The named action, if the change is one. */
  action?: ActionId | undefined
  rows: readonly MailRow[]
  list: PatchedList
  /** The messages, if they are already resolved. */
  named?: readonly Named[]
}

export interface Failure {
  row: MailRow
  why: string
}

/** The failures of one change, for the details dialog. */
export interface FailureReport {
  title: string
  operationId: string
  failures: readonly Failure[]
}

interface Done extends Wanted {
  id: string
  what: string
  patches: ReadonlyMap<string, Patch>
  asked: { operationId: string; batch: Batch }[]
  failures: Failure[]
  /** Resolves when the whole change is settled. */
  settled: Promise<void>
}

export interface OrganiserOptions {
  queries: QueryClient
  pending: PendingChanges
  tracked: TrackedOperations
  toast(toast: ToastInput): void
  onReport(report: FailureReport): void
}

const toastId = 'mail-action'
/** Maximum changes that `z` can undo; all others are on the page of changes. */
const mostUndone = 20

export class Organiser {
  readonly #options: OrganiserOptions
  readonly #done: Done[] = []
  /** The change whose toast is shown in the main slot, which `z` undoes. */
  #told = ''

  constructor(options: OrganiserOptions) {
    this.#options = options
  }

  run(wanted: Wanted): void {
    const { change, action, rows, list } = wanted
    const what = wordsOf(rows)
    const patches = new Map(rows.flatMap(row => entryOf(row, patchOf(change, row, list))))
    const { promise, resolve } = Promise.withResolvers<void>()
    const done: Done = { ...wanted, id: newKey(), what, patches, asked: [], failures: [], settled: promise }
    this.#options.pending.add(done.id, { list, patches, rows: byKey(rows) })
    const isUndoable = change.kind !== 'delete'
    if (isUndoable) this.#done.push(done)
    this.#done.splice(0, this.#done.length - mostUndone)
    const undo = { label: 'Undo', hint: 'z', onAct: () => void this.#undo(done) }
    this.#tell(done, {
      tone: 'good',
      title: doneWords(change, action, what),
      ...(isUndoable && { action: undo }),
    })
    void this.#ask(done).finally(resolve)
  }

  /** Replaces the toast of the last change; later news of an earlier change gets its own toast. */
  #tell({ id }: Done, toast: ToastInput, isNews = true): void {
    if (isNews) this.#told = id
    this.#options.toast({ ...toast, id: this.#told === id ? toastId : id })
  }

  /** Undoes the last change; returns whether there is one. */
  undoLast(): boolean {
    const last = this.#done.at(-1)
    if (last) void this.#undo(last)
    return last !== undefined
  }

  async #ask(done: Done): Promise<void> {
    const { queries, tracked, pending } = this.#options
    const { change, rows, list } = done
    const waits: Promise<void>[] = []
    try {
      const named = done.named ?? (await nameMessages(rows, change, list.folder))
      done.named = named
      if (named.length === 0) throw new Error('The messages are no longer in this folder.')
      if (change.kind === 'flags') flagOpenMessages(queries, named, change)
      for (const batch of batchesOf(named)) {
        const operation = await requestChange(change, batch)
        done.asked.push({ operationId: operation.id, batch })
        waits.push(tracked.settled(operation).then(settled => this.#settleBatch(done, batch, operation, settled)))
      }
    } catch (error) {
      this.#fail(done, error)
    }
    await Promise.all(waits)
    if (done.asked.length === 0) return
    if (done.list.folder === undefined) this.#keepInSearch(done.list, done.patches)
    pending.settle(done.id)
    this.#refresh(done)
    if (done.failures.length > 0) this.#reportFailures(done)
  }

  /** Rolls back what was not requested, and shows the server's reason. */
  #fail(done: Done, error: unknown): void {
    const { pending } = this.#options
    const asked = new Set(done.asked.flatMap(({ batch }) => batch.named.map(({ row }) => row.key)))
    const back = done.rows.filter(({ key }) => !asked.has(key))
    pending.take(
      done.id,
      back.map(({ key }) => key),
    )
    if (asked.size === 0) {
      pending.remove(done.id)
      this.#forget(done)
    }
    if (done.change.kind === 'flags' && done.named)
      flagOpenMessages(this.#options.queries, done.named, reversed(done.change))
    const title = `${wordsOf(back)} could not be ${undoneVerb(done.change)}`
    this.#tell(done, { tone: 'bad', title, detail: reasonOf(error) }, false)
  }

  #settleBatch(done: Done, { named }: Batch, accepted: OperationWithResults, settled: Settled | undefined): void {
    const results = settled?.results ?? (settled ? [] : accepted.results)
    for (const [at, { row }] of named.entries()) {
      const result = results[at]
      const isFine = settled !== undefined && (!result || result.state === 'done' || result.state === 'gone')
      if (isFine) continue
      const why = result?.why ?? (settled ? 'The outcome is unknown.' : 'The server did not report the outcome.')
      done.failures.push({ row, why })
    }
    this.#options.pending.take(
      done.id,
      done.failures.map(({ row }) => row.key),
    )
  }

  #reportFailures(done: Done): void {
    const { onReport } = this.#options
    const { failures, change, named = [], asked } = done
    const title = `${formatNumber(failures.length)} of ${formatNumber(named.length)} could not be ${undoneVerb(change)}`
    const reasons = [...new Set(failures.map(({ why }) => why))]
    const report = { title, failures, operationId: asked.at(-1)?.operationId ?? '' }
    const detail =
      reasons.length > 1 ? `${reasons[0]} (and ${formatCount(reasons.length - 1, 'other reason')})` : reasons[0]
    const isAll = failures.length === named.length
    if (isAll) this.#forget(done)
    const toast: ToastInput = {
      tone: isAll ? 'bad' : 'warn',
      title: isAll ? `${done.what} could not be ${undoneVerb(change)}` : title,
      ...(detail !== undefined && { detail }),
      action: { label: 'Details', onAct: () => onReport(report) },
    }
    this.#tell(done, toast, false)
  }

  async #undo(done: Done): Promise<void> {
    const { pending, queries, tracked } = this.#options
    if (!this.#forget(done)) return
    const id = `${done.id}-undo`
    const failed = new Set(done.failures.map(({ row }) => row.key))
    const rows = done.rows.filter(({ key }) => !failed.has(key))
    const patches = new Map(rows.flatMap(row => entryOf(row, inversePatch(done, row))))
    pending.add(id, { list: done.list, patches, rows: new Map() })
    pending.remove(done.id)
    this.#tell(done, { tone: 'info', title: `Undone: ${lowerFirst(doneWords(done.change, done.action, done.what))}` })
    // Only what the mail server has done can be undone.
    await done.settled
    if (done.change.kind === 'flags' && done.named) flagOpenMessages(queries, done.named, reversed(done.change))
    try {
      const reports: UndoReport[] = []
      for (const { operationId } of done.asked.toReversed()) reports.push(await requestUndo(operationId))
      const undos = reports.flatMap(({ undone }) => undone.flatMap(({ undo }) => undo ?? []))
      const settled = await Promise.all(undos.map(undo => tracked.settled(undo)))
      this.#reportUndone(done, reports, settled)
      if (done.list.folder === undefined) this.#keepInSearch(done.list, patches)
      pending.settle(id)
    } catch (error) {
      pending.remove(id)
      this.#tell(done, { tone: 'bad', title: `Could not be undone: ${done.what}`, detail: reasonOf(error) }, false)
    }
    this.#refresh(done)
  }

  /** Reports messages that were not restored because someone changed them since. */
  #reportUndone(done: Done, reports: readonly UndoReport[], settled: readonly (Settled | undefined)[]): void {
    const left = reports.flatMap(({ changes }) =>
      changes.filter(({ outcome }) => outcome === 'conflict' || outcome === 'impossible'),
    )
    const failed = settled.flatMap(each => each?.results?.filter(({ state }) => state !== 'done') ?? [])
    const count = left.length + failed.length
    if (count === 0) return
    const why = [...left, ...failed].find(each => each.why !== null)?.why
    const toast: ToastInput = {
      tone: 'warn',
      title: `${formatCount(count, 'message')} could not be restored`,
      ...(why && { detail: why }),
    }
    this.#tell(done, toast, false)
  }

  /** Drops a change from the undo stack; returns false if it is not there any more. */
  #forget(done: Done): boolean {
    const at = this.#done.indexOf(done)
    if (at >= 0) this.#done.splice(at, 1)
    return at >= 0
  }

  /** Search results are only reloaded by the reader, so changes are written into them. */
  #keepInSearch(list: PatchedList, patches: ReadonlyMap<string, Patch>): void {
    const { queries } = this.#options
    const set = { list, patches, rows: new Map() }
    queries.setQueryData<MailPage>([...list.queryKey], page => page && patched(page, list, [set]))
  }

  #refresh({ rows }: Done): void {
    const { queries } = this.#options
    for (const accountId of new Set(rows.map(row => row.accountId))) {
      for (const kind of ['messages', 'threads', 'thread', 'folders']) {
        void queries.invalidateQueries({ queryKey: ['mail', accountId, kind] })
      }
    }
  }
}

function inversePatch({ patches }: Done, row: MailRow): Patch | undefined {
  const patch = patches.get(row.key)
  return patch && inverseOf(patch, row)
}

function entryOf(row: MailRow, patch: Patch | undefined): [string, Patch][] {
  return patch ? [[row.key, patch]] : []
}

function byKey(rows: readonly MailRow[]): ReadonlyMap<string, MailRow> {
  return new Map(rows.map(row => [row.key, row]))
}

/** Counts conversations, or messages if no row is a conversation: `3 conversations`. */
export function wordsOf(rows: readonly MailRow[]): string {
  return formatCount(rows.length, rows.some(isConversation) ? 'conversation' : 'message')
}

function reversed({ add, remove }: Extract<Change, { kind: 'flags' }>) {
  return { add: remove, remove: add }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof ApiProblem))
    return error instanceof Error ? error.message : 'Something went wrong on this page.'
  const said = error.body.server_response
  return said ? `${error.message} The server said: ${said}` : error.message
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1)
}

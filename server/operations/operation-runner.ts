/**
 * Runs operations of one account, one group of messages at a time: commits the intent, sends the command once, and
 * commits the outcome. After a lost response, or a restart that finds a group in the state `sent`, its state is
 * read before anything is repeated.
 */
import { setImmediate as yieldLoop } from 'node:timers/promises'
import { MessagesVanished, type MessageWriter, UnknownOutcome } from '../imap/gateway-capabilities.ts'
import type { MailConnection } from '../imap/mail-gateway.ts'
import { Problem } from '../platform/problem.ts'
import { intentFor } from './arrived-messages.ts'
import { isFolderKind } from './folder-kinds.ts'
import { FolderRunner } from './folder-runner.ts'
import type { LookedAhead } from './looked-ahead.ts'
import type { Looked, MailStep } from './mail-step.ts'
import { steps } from './mail-steps.ts'
import { changedFact } from './operation-facts.ts'
import type { ItemChange } from './operation-item-store.ts'
import {
  type Change,
  type Intent,
  type ItemRow,
  type OperationRow,
  type Place,
  type PlacedItem,
  placeOf,
} from './operation-tables.ts'
import { OperationWork } from './operation-work.ts'
import type { RunnerOptions } from './runner-options.ts'
import type { Verdicts } from './source-messages.ts'
import { failed, isRefusal, TryLater, toChanges, unknown } from './step-outcomes.ts'
import { noChecks, UndoChecks } from './undo-checks.ts'
import { findPlaces, unreportedOf } from './unreported-places.ts'

const manyMessages = 100

type Saved = Pick<Looked, 'intent'>

export class OperationRunner {
  readonly #options: RunnerOptions
  readonly #folders: FolderRunner

  constructor(options: RunnerOptions) {
    this.#options = options
    this.#folders = new FolderRunner(options)
  }

  /**
   * Runs the operation until it is settled or held.
   * @param items The items as stored; read from the database when omitted.
   * @param ahead The read-ahead from while the operation was accepted.
   * @throws TryLater, and errors that are not the mail server's.
   */
  async run(
    operation: OperationRow,
    signal: AbortSignal,
    items?: readonly ItemRow[],
    ahead?: LookedAhead,
  ): Promise<void> {
    if (isFolderKind(operation.kind)) return this.#folders.run(operation, signal)
    const { isHeld } = this.#options
    const work = new OperationWork(operation, items ?? (await this.#options.store.items(operation.id)))
    const checks = await UndoChecks.of(work, this.#options)
    if (ahead?.stored) await this.#goOn(work, ahead, ahead.stored.changed, signal)
    for (let sent = work.group('sent'); sent; sent = work.group('sent')) await this.#lookAfter(work, sent, signal)
    let read = ahead?.stored ? undefined : await ahead?.looking
    let isFollowed = ahead?.stored !== undefined || read !== undefined
    for (let next = work.group('waiting'); next; next = work.group('waiting')) {
      if (await isHeld(operation)) return
      const known = read
      // Looking does no harm, so both run at once; the look is discarded if a message is elsewhere by now.
      const [followed, looked] = await Promise.allSettled([
        !isFollowed && this.#follow(work),
        known ?? this.#look(work, next, checks, signal),
      ])
      isFollowed = true
      read = undefined
      if (followed.status === 'rejected') throw followed.reason
      if (followed.value) continue
      if (looked.status === 'rejected') throw looked.reason
      await this.#change(work, next, looked.value, signal)
    }
    if (operation.state === 'pending' && work.settled) await this.#save(work, [])
  }

  /** Reads the state of the target folder of an operation that is not accepted yet. */
  readTarget(to: string, signal: AbortSignal): Promise<Intent> {
    return this.#read(connection => intentFor(connection, to), signal, to)
  }

  /** Opens the folder of messages read-only, ahead of the look at them. */
  ready(path: string, signal: AbortSignal): Promise<void> {
    return this.#read(connection => connection.changes.ready(path), signal, path)
  }

  /**
   * Looks at the first group of an operation that is not stored yet and is no undo. Reads only.
   * @param target The state of its target folder, if that is being read.
   * @returns Undefined when the look has to wait for the operation's turn.
   */
  async lookAhead(
    operation: OperationRow,
    items: readonly ItemRow[],
    signal: AbortSignal,
    target?: Promise<Intent | undefined>,
  ): Promise<Looked | undefined> {
    const work = new OperationWork(operation, items)
    const first = work.group('waiting')
    if (!first) return undefined
    const places = work.in('waiting').map(placeOf)
    // Awaited first, so that both use one connection.
    const known = target && (await target)
    const [looked, { size }] = await Promise.all([
      this.#look(work, first, noChecks, signal, known),
      this.#options.moved.follow(this.#options.accountId, places),
    ])
    return size > 0 ? undefined : looked
  }

  /** Sends the command of an operation that was stored with its intent. */
  async #goOn(work: OperationWork, ahead: LookedAhead, looked: readonly ItemRow[], signal: AbortSignal): Promise<void> {
    this.#options.shown.follow(work.operation, work.items, looked)
    const sent = work.group('sent')
    try {
      const told = () => ahead.markSent()
      if (sent) await this.#send(work, stepOf(work), sent, work.change(sent[0]!), work.intent, signal, told)
    } finally {
      ahead.markSent()
    }
  }

  /** Gives up after the last attempt: items that were never sent fail, and the outcome of the others is unknown. */
  async giveUp(operation: OperationRow, why: string): Promise<void> {
    if (isFolderKind(operation.kind)) return this.#folders.giveUp(operation, why)
    const work = new OperationWork(operation, await this.#options.store.items(operation.id))
    const changes = [
      ...work.in('waiting').map(item => ({ item, values: { state: 'failed' as const, code: 'gave_up', why } })),
      ...work.in('sent').map(item => ({ item, values: { state: 'unknown' as const, code: 'unknown', why } })),
    ]
    await this.#save(work, changes)
  }

  /** @returns Whether earlier operations have moved some of the messages. */
  async #follow(work: OperationWork): Promise<boolean> {
    const places = work.in('waiting').map(placeOf)
    const moved = await this.#options.moved.follow(this.#options.accountId, places)
    const changes = work.follow(moved)
    if (changes.length > 0) await this.#save(work, changes)
    return changes.length > 0
  }

  #look(
    work: OperationWork,
    items: PlacedItem[],
    checks: Pick<UndoChecks, 'conflicts'>,
    signal: AbortSignal,
    target?: Intent,
  ): Promise<Looked> {
    const step = stepOf(work)
    const change = work.change(items[0]!)
    return this.#read(
      async connection => {
        const conflicts = await checks.conflicts(connection, items)
        const rest = items.filter(item => !conflicts.has(item))
        const { verdicts, intent } =
          rest.length > 0
            ? await step.look(connection, rest, change, target)
            : { verdicts: new Map() as Verdicts, intent: undefined }
        return { verdicts: new Map([...conflicts, ...verdicts]), intent }
      },
      signal,
      items[0]!.path,
    ).catch(error => failed(items, endedBy(error, signal)))
  }

  /** Opens the folder for writing while the intent is committed. Resolves when that has begun; never rejects. */
  async prepare({ verdicts, intent }: Looked, signal: AbortSignal): Promise<void> {
    const { accountId, pool } = this.#options
    const [first] = [...verdicts].find(([, { state }]) => state === 'sent') ?? []
    if (!first) return
    this.#restWatching(verdicts.size, first.path, intent)
    const begin = async ({ writer }: MailConnection) => writer.prepare(first.path)
    // An error occurs again with the change, and is handled there.
    await pool.run(accountId, 'interactive', begin, signal, first.path).catch(() => undefined)
  }

  async #change(work: OperationWork, items: PlacedItem[], looked: Looked, signal: AbortSignal): Promise<void> {
    void this.prepare(looked, signal)
    await this.#save(work, toChanges(looked.verdicts), looked)
    const sent = work.group('sent')
    if (sent) await this.#send(work, stepOf(work), sent, work.change(items[0]!), looked.intent, signal)
  }

  async #send(
    work: OperationWork,
    step: MailStep,
    sent: PlacedItem[],
    change: Change,
    intent: Intent | undefined,
    signal: AbortSignal,
    onSent: () => void = () => undefined,
  ): Promise<void> {
    const { accountId, pool, isHeld } = this.#options
    const [{ path }] = sent as [PlacedItem]
    // Checked again, since waiting for a connection may have taken a while.
    const send = async (writer: MessageWriter) => {
      if (await isHeld(work.operation)) return 'held' as const
      return step.send(writer, sent, change, onSent)
    }
    const watchAgain = this.#restWatching(sent.length, path, intent)
    try {
      const reported = await pool.runOnce(accountId, 'interactive', send, signal, path).catch((error: unknown) => {
        endedBy(error, signal)
        if (error instanceof UnknownOutcome) return undefined
        return error instanceof Problem ? error : Promise.reject(error)
      })
      if (reported === 'held') return await this.#takeBack(work, sent)
      if (reported === undefined) return await this.#lookAfter(work, sent, signal)
      if (reported instanceof Problem) return await this.#refused(work, sent, reported)
      const found = intent && (await this.#findPlaces(work, reported, intent, signal))
      await this.#save(work, toChanges(reported))
      this.#options.shown.brought(accountId, placesIn(reported, found))
      this.#notice(path, intent)
    } finally {
      watchAgain()
    }
  }

  /** Pauses IDLE in these folders, which would be woken for each of many messages. @returns How to resume it. */
  #restWatching(messages: number, path: string, intent: Intent | undefined): () => void {
    const { accountId, pool } = this.#options
    if (messages < manyMessages) return () => undefined
    return pool.restWatching(accountId, intent ? [path, intent.to] : [path])
  }

  /** Finds out what became of messages if the server did not say (it has no UIDPLUS). */
  async #findPlaces(work: OperationWork, reported: Verdicts, intent: Intent, signal: AbortSignal): Promise<Verdicts> {
    if (unreportedOf(reported).length === 0) return new Map()
    const { kind } = work.operation
    // If that fails, too, the messages are in the target folder, and only an undo would need their places.
    const looking = this.#read(connection => findPlaces(connection, reported, intent, kind), signal, intent.to)
    const found = await looking.catch((): Verdicts => new Map())
    for (const [item, values] of found) reported.set(item, { ...reported.get(item), ...values })
    return found
  }

  /** Handles an error that means that nothing was done. */
  async #refused(work: OperationWork, sent: PlacedItem[], problem: Problem): Promise<void> {
    // The next look handles those that still exist.
    if (problem instanceof MessagesVanished && work.mayLookAgain()) return this.#takeBack(work, sent)
    if (!isRefusal(problem)) {
      await this.#takeBack(work, sent)
      throw new TryLater(problem)
    }
    await this.#save(work, toChanges(failed(sent, problem).verdicts))
  }

  /** Resets items that were not sent after all to `waiting`. */
  async #takeBack(work: OperationWork, sent: readonly PlacedItem[]): Promise<void> {
    await this.#save(
      work,
      sent.map(item => ({ item, values: { state: 'waiting' } })),
    )
  }

  async #lookAfter(work: OperationWork, sent: PlacedItem[], signal: AbortSignal): Promise<void> {
    const step = stepOf(work)
    const { intent } = work
    const [first] = sent as [PlacedItem]
    const verdicts = await this.#read(
      connection => step.lookAfter(connection, sent, work.change(first), intent),
      signal,
      first.path,
    ).catch(error => unknown(sent, endedBy(error, signal)))
    const half = sent.filter(item => verdicts.get(item)?.state === 'sent')
    if (half.length > 0 && step.finish) {
      const { accountId, pool } = this.#options
      const { finish } = step
      const values = await pool
        .runOnce(accountId, 'interactive', writer => finish(writer, half), signal, first.path)
        .catch((error: unknown) => {
          endedBy(error, signal)
          throw error instanceof UnknownOutcome || error instanceof Problem ? new TryLater(error) : error
        })
      for (const item of half) verdicts.set(item, { ...verdicts.get(item), ...values.get(item) })
    }
    await this.#save(work, toChanges(verdicts))
    this.#notice(first.path, intent)
    const isLeft = [...verdicts.values()].some(({ state }) => state === 'waiting')
    if (isLeft) throw new TryLater(new Error('the mail server has not done it'))
  }

  #notice(path: string, intent: Intent | undefined): void {
    this.#options.notice(path)
    if (intent) this.#options.notice(intent.to)
  }

  async #save(work: OperationWork, changes: readonly ItemChange[], saved: Saved = {}): Promise<void> {
    const { store, hub, lease, shown } = this.#options
    const { operation } = work
    for (const { item, values } of changes) work.set(item, values)
    const { total: _total, waiting: _waiting, ...counts } = work.counts
    const state = work.settled ?? 'pending'
    const isSettled = state !== 'pending'
    const values = {
      ...counts,
      state,
      intent: saved.intent ? JSON.stringify(saved.intent) : null,
      ...(isSettled && { settled_at: this.#options.settledAt(), error: null }),
    }
    await hub.transact(async (transaction, publish) => {
      await lease().fence(transaction)
      if (changes.length > 0) await store.saveItems(transaction, changes)
      await store.update(transaction, operation.id, values)
      if (isSettled) publish(changedFact({ ...operation, ...values }))
    })
    Object.assign(operation, values)
    // Following many messages takes a while: the streams announce the change first.
    if (isSettled && changes.length > manyMessages) await yieldLoop()
    shown.follow(
      operation,
      work.items,
      changes.map(({ item }) => work.item(item.position)),
    )
  }

  async #read<T>(work: (connection: MailConnection) => Promise<T>, signal: AbortSignal, path: string): Promise<T> {
    const { accountId, pool } = this.#options
    try {
      return await pool.run(accountId, 'interactive', work, signal, path)
    } catch (error) {
      throw error instanceof Problem && !isRefusal(error) ? new TryLater(error) : error
    }
  }
}

/** Returns the places that the mail server reported. @param found Messages whose places it did not report. */
function placesIn(reported: Verdicts, found: Verdicts = new Map()): [ItemRow, Place][] {
  return [...reported].flatMap(([item, { state, after_path: path, after_uid_validity, after_uid: uid }]) => {
    const isSaid = state === 'done' && path && after_uid_validity && uid && !found.has(item)
    return isSaid ? [[item, { path, uidValidity: after_uid_validity, uid }]] : []
  })
}

function stepOf({ operation }: OperationWork): MailStep {
  return steps[operation.kind as keyof typeof steps]
}

/** Returns the error, unless a stop caused it. @throws the reason of the stop. */
function endedBy(error: unknown, signal: AbortSignal): unknown {
  signal.throwIfAborted()
  return error
}

/**
 * What was asked to be done to messages and is not known to be done: the index shows it already. What is read from the mail server meanwhile
 * does not undo that. What was not done after all is read again. It is kept in memory; what stores it
 * names it again after a start.
 */
import type { ExpectedBatch, FolderBatch, IndexedPlace } from './index-types.ts'
import { withFlags } from './message-flags.ts'

export interface ExpectedChange {
  path: string
  uidValidity: number
  uid: number
  /** Of the index; null where it is not known. */
  messageId: string | null
  /** It leaves its folder. */
  leaves: boolean
  /** Where it is to come up then. */
  to: string | undefined
  add: readonly string[]
  remove: readonly string[]
  /** The mail server did it; the folder may not have been compared since. */
  isDone: boolean
}

type Place = Pick<IndexedPlace, 'path' | 'uidValidity' | 'uid'>

interface Kept extends ExpectedChange {
  operation: string
  /** When it was done, on the clock that `now` shows; undefined before. */
  doneAt: number | undefined
}

/** Messages of an account that are read again; more are not remembered. */
const mostAgain = 100_000
/** Of an account. Those that are done are forgotten first, the oldest of them. */
const mostDone = 100_000

export class ExpectedChanges {
  readonly #accounts = new Map<string, AccountExpectations>()

  of(accountId: string): AccountExpectations {
    const known = this.#accounts.get(accountId) ?? new AccountExpectations()
    this.#accounts.set(accountId, known)
    return known
  }

  /** The account is gone. */
  forget(accountId: string): void {
    this.#accounts.delete(accountId)
  }
}

export class AccountExpectations {
  /** In the order in which they are done: later ids are greater. */
  readonly #byOperation = new Map<string, Kept[]>()
  readonly #byPlace = new Map<string, Kept[]>()
  /** The newest change of each message that leaves its folder, and, of those that are not done, how many there are of each folder. */
  readonly #leaving = new Map<string, Kept>()
  readonly #leavingCounts = new Map<string, number>()
  readonly #again = new Map<string, Set<number>>()
  #clock = 0
  #done = 0
  #writing: Promise<void> | undefined

  /** Taken before the mail server is asked: what was done until then is in its answer. */
  get now(): number {
    return this.#clock
  }

  /** Resolves when what was shown last is in the index; undefined when it is. */
  get writing(): Promise<void> | undefined {
    return this.#writing
  }

  /** Readers wait until it is written. */
  write(work: Promise<unknown>): void {
    const before = this.#writing
    const writing = Promise.allSettled([before, work]).then(() => {
      if (this.#writing === writing) this.#writing = undefined
    })
    this.#writing = writing
  }

  /** In place of what was expected of this operation before. */
  set(operation: string, changes: readonly ExpectedChange[]): void {
    const before = new Map((this.#byOperation.get(operation) ?? []).map(kept => [keyOf(kept), kept]))
    this.forget(operation)
    const kept = changes.flatMap((change): Kept[] => {
      if (!change.isDone) return [{ ...change, operation, doneAt: undefined }]
      const known = before.get(keyOf(change))
      // Its folder was compared since, and others may have changed the message.
      return known ? [{ ...change, operation, doneAt: known.doneAt ?? this.#clock + 1 }] : []
    })
    if (kept.length === 0) return
    if (kept.some(({ doneAt }) => doneAt === this.#clock + 1)) this.#clock++
    this.#byOperation.set(operation, kept)
    for (const change of kept) this.#add(change)
    for (const oldest of this.#byOperation.keys()) {
      if (this.#done <= mostDone) break
      this.#drop(oldest, ({ doneAt }) => doneAt !== undefined)
    }
  }

  forget(operation: string): void {
    this.#drop(operation, () => true)
  }

  /** They are not as was shown, or nobody knows how they are: they are read again with the next look at their folder. */
  readAgain(places: readonly Place[]): void {
    const left = mostAgain - [...this.#again.values()].reduce((sum, { size }) => sum + size, 0)
    for (const place of places.slice(0, Math.max(0, left))) {
      const uids = this.#again.get(folderKey(place)) ?? new Set()
      this.#again.set(folderKey(place), uids.add(place.uid))
    }
  }

  toReadAgain(path: string, uidValidity: number): number[] {
    return [...(this.#again.get(folderKey({ path, uidValidity })) ?? [])]
  }

  wereRead(path: string, uidValidity: number, uids: readonly number[]): void {
    const key = folderKey({ path, uidValidity })
    const left = this.#again.get(key)
    for (const uid of uids) left?.delete(uid)
    if (left?.size === 0) this.#again.delete(key)
  }

  /** What a look found, as it is shown. @param asOf `now` of when the mail server was asked. */
  adjust<Batch extends FolderBatch>(batch: Batch, asOf = 0): Batch {
    if (this.#byPlace.size === 0) return batch
    const { path, uidValidity, added, changed } = batch
    const of = (uid: number) => this.#at({ path, uidValidity, uid }).filter(({ doneAt }) => (doneAt ?? asOf + 1) > asOf)
    const flagged = <Row extends { uid: number; flags: string[] }>(row: Row) => ({
      ...row,
      flags: of(row.uid).reduce((flags, { add, remove }) => withFlags(flags, add, remove), row.flags),
    })
    return {
      ...batch,
      ...(added && { added: added.filter(({ uid }) => !of(uid).some(({ leaves }) => leaves)).map(flagged) }),
      ...(changed && { changed: changed.map(flagged) }),
    }
  }

  /** As it is shown, of a message that was read from the mail server. */
  flagsAt(place: Place, flags: readonly string[]): readonly string[] {
    const waiting = this.#at(place).filter(({ isDone }) => !isDone)
    return waiting.reduce((now, { add, remove }) => withFlags(now, add, remove), flags)
  }

  /** How many messages of a folder are not shown, which the mail server may still have there. */
  countLeaving(path: string, uidValidity: number): number {
    return this.#leavingCounts.get(folderKey({ path, uidValidity })) ?? 0
  }

  /** Messages without a folder may come back to theirs. */
  get hasLeaving(): boolean {
    return this.#leavingCounts.size > 0
  }

  /** Where a message is, or was, that left its folder in lists and was not found in another one since. */
  placeOf(messageId: string): Place | undefined {
    return this.#leaving.get(messageId)
  }

  /** A folder, or all of them, was compared since this time. */
  compared(asOf: number, path?: string): void {
    if (this.#done === 0) return
    const isOver = (kept: Kept) =>
      kept.doneAt !== undefined && kept.doneAt <= asOf && (path === undefined || (kept.to ?? kept.path) === path)
    for (const operation of [...this.#byOperation.keys()]) this.#drop(operation, isOver)
  }

  /** What the index is to show of these operations, of all by default; folder by folder, in their order. */
  batches(operations: Iterable<string> = [...this.#byOperation.keys()].sort()): ExpectedBatch[] {
    const batches: ExpectedBatch[] = []
    for (const operation of operations) {
      const waiting = (this.#byOperation.get(operation) ?? []).filter(({ isDone }) => !isDone)
      for (const folder of Map.groupBy(waiting, folderKey).values()) batches.push(batchOf(folder))
    }
    return batches
  }

  #at(place: Place): readonly Kept[] {
    return this.#byPlace.get(keyOf(place)) ?? []
  }

  #add(kept: Kept): void {
    const key = keyOf(kept)
    const others = this.#byPlace.get(key) ?? []
    others.push(kept)
    others.sort((one, other) => (one.operation < other.operation ? -1 : 1))
    this.#byPlace.set(key, others)
    if (kept.isDone) this.#done++
    else if (kept.leaves) this.#countLeaving(kept, 1)
    if (kept.leaves && kept.messageId !== null) this.#leaving.set(kept.messageId, kept)
  }

  #drop(operation: string, isMeant: (kept: Kept) => boolean): void {
    const all = this.#byOperation.get(operation) ?? []
    const left = all.filter(kept => !isMeant(kept))
    if (left.length === all.length) return
    if (left.length > 0) this.#byOperation.set(operation, left)
    else this.#byOperation.delete(operation)
    for (const kept of all) {
      if (!isMeant(kept)) continue
      const key = keyOf(kept)
      const others = (this.#byPlace.get(key) ?? []).filter(other => other !== kept)
      if (others.length > 0) this.#byPlace.set(key, others)
      else this.#byPlace.delete(key)
      if (kept.isDone) this.#done--
      else if (kept.leaves) this.#countLeaving(kept, -1)
      if (kept.messageId !== null && this.#leaving.get(kept.messageId) === kept) this.#leaving.delete(kept.messageId)
    }
  }

  #countLeaving(kept: Kept, more: 1 | -1): void {
    const count = (this.#leavingCounts.get(folderKey(kept)) ?? 0) + more
    if (count > 0) this.#leavingCounts.set(folderKey(kept), count)
    else this.#leavingCounts.delete(folderKey(kept))
  }
}

function batchOf(folder: readonly Kept[]): ExpectedBatch {
  const [{ path, uidValidity }] = folder as [Kept]
  const uids = (some: readonly Kept[]) => some.map(({ uid }) => uid)
  const staying = Map.groupBy(
    folder.filter(({ leaves }) => !leaves),
    ({ add, remove }) => JSON.stringify([add, remove]),
  )
  const flags = [...staying.values()].map(group => {
    const { add, remove } = group[0]!
    return { uids: uids(group), add: [...add], remove: [...remove] }
  })
  return { path, uidValidity, leaving: uids(folder.filter(({ leaves }) => leaves)), flags }
}

function folderKey({ path, uidValidity }: Pick<Place, 'path' | 'uidValidity'>): string {
  return `${uidValidity}:${path}`
}

function keyOf({ path, uidValidity, uid }: Place): string {
  return `${uid}:${uidValidity}:${path}`
}

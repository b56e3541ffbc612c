/**
 * Optimistic changes: requested changes of messages that the index shows before the mail server has confirmed them.
 * Reading from the mail server meanwhile does not undo them; messages whose change failed are read again. Held in
 * memory only: the code that stores operations registers them again after a start.
 */
import type { ExpectedBatch, FolderBatch, IndexedPlace } from './index-types.ts'
import { withFlags } from './message-flags.ts'

export interface ExpectedChange {
  path: string
  uidValidity: number
  uid: number
  /** The message's id in the index; null if it is not known. */
  messageId: string | null
  /** Whether the message leaves its folder. */
  leaves: boolean
  /** Path of the folder to which it moves. */
  to: string | undefined
  add: readonly string[]
  remove: readonly string[]
  /** Whether the mail server made the change; the folder may not have been compared since. */
  isDone: boolean
}

type Place = Pick<IndexedPlace, 'path' | 'uidValidity' | 'uid'>

/** A message whose shown state was wrong, so that it has to be read again. */
type Returning = Place & Partial<Pick<ExpectedChange, 'messageId'>>

/** One request to read a message again; a request made while it is being read is a new one. */
interface ToRead {
  readonly place: Returning
  /** When it was requested, on the logical clock of `now`. */
  readonly at: number
}

/** Maps a folder's old path to its current one. */
export type Renamed = (path: string) => string

interface Kept extends ExpectedChange {
  operation: string
  /** When the change was made, on the logical clock of `now`; undefined until then. */
  doneAt: number | undefined
}

/** Messages remembered per account for reading again; further ones are ignored. */
const mostAgain = 100_000
/** Completed changes kept per account; past it, the oldest operation's are forgotten. */
const mostDone = 100_000
/** Folder renames kept per account; the oldest are forgotten first. */
const mostRenames = 1_000

export class ExpectedChanges {
  readonly #accounts = new Map<string, AccountExpectations>()

  of(accountId: string): AccountExpectations {
    const known = this.#accounts.get(accountId) ?? new AccountExpectations()
    this.#accounts.set(accountId, known)
    return known
  }

  /** Discards the state of an account that was removed. */
  forget(accountId: string): void {
    this.#accounts.delete(accountId)
  }
}

export class AccountExpectations {
  readonly #byOperation = new Map<string, Kept[]>()
  readonly #byPlace = new Map<string, Kept[]>()
  /** Moves by message id, sorted by `inOrder`; `#leavingCounts` has the number of pending ones by folder. */
  readonly #leaving = new Map<string, Kept[]>()
  readonly #leavingCounts = new Map<string, number>()
  readonly #again = new Map<string, Map<number, ToRead>>()
  /** By message id, the places of messages that come back to their folder, until they are read. */
  readonly #returning = new Map<string, Place>()
  /** Folders renamed on the mail server, kept until all folders have been listed since. */
  #renames: { at: number; renamed: Renamed }[] = []
  #clock = 0
  #done = 0
  #leavers = 0
  #writing: Promise<void> | undefined
  #hurry: () => void = () => undefined

  /** Logical clock, read before asking the mail server: its answer includes every change made by then. */
  get now(): number {
    return this.#clock
  }

  /** Flushes pending writes. Resolves when the latest change is in the index; undefined if it already is. */
  written(): Promise<void> | undefined {
    this.#hurry()
    return this.#writing
  }

  /** Registers a write that readers wait for. @param hurry Called when a reader starts waiting. */
  write(work: Promise<unknown>, hurry: () => void = () => undefined): void {
    this.#hurry = hurry
    const before = this.#writing
    const writing = Promise.allSettled([before, work]).then(() => {
      if (this.#writing === writing) this.#writing = undefined
    })
    this.#writing = writing
  }

  /** Replaces the changes expected of this operation. */
  set(operation: string, changes: readonly ExpectedChange[]): void {
    const known = this.#byOperation.get(operation) ?? []
    if (known.length === changes.length && known.every((kept, at) => isOf(kept, changes[at]!))) {
      return this.#markDone(
        operation,
        known.filter((kept, at) => !kept.isDone && changes[at]!.isDone),
      )
    }
    const before = new Map(known.map(kept => [keyOf(kept), kept]))
    this.forget(operation)
    const kept = changes.flatMap((change): Kept[] => {
      if (!change.isDone) return [{ ...change, operation, doneAt: undefined }]
      const known = before.get(keyOf(change))
      // Otherwise the folder was compared since, and others may have changed the message.
      return known ? [{ ...change, operation, doneAt: known.doneAt ?? this.#clock + 1 }] : []
    })
    if (kept.length === 0) return
    if (kept.some(({ doneAt }) => doneAt === this.#clock + 1)) this.#clock++
    this.#keep(operation, kept)
    this.#forgetOldest()
  }

  /** Fast path: usually all changes of an operation complete together, and their entries are updated in place. */
  #markDone(operation: string, done: readonly Kept[]): void {
    if (done.length === 0) return
    this.#clock++
    this.#done += done.length
    const all = this.#byOperation.get(operation)!
    this.#byOperation.delete(operation)
    this.#byOperation.set(operation, all)
    for (const kept of done) {
      if (kept.leaves) this.#countLeaving(kept, -1)
      kept.isDone = true
      kept.doneAt = this.#clock
      for (const others of [this.#byPlace.get(keyOf(kept)), kept.messageId && this.#leaving.get(kept.messageId)]) {
        if (others) inOrder(others)
      }
    }
    this.#forgetOldest()
  }

  #forgetOldest(): void {
    for (const oldest of this.#byOperation.keys()) {
      if (this.#done <= mostDone) break
      this.#drop(oldest, ({ doneAt }) => doneAt !== undefined)
    }
  }

  forget(operation: string): void {
    this.#drop(operation, () => true)
  }

  /** Requests that messages whose shown state may be wrong are read again with the next look at their folder. */
  readAgain(places: readonly Returning[]): void {
    if (places.length > 0) this.#clock++
    const left = mostAgain - [...this.#again.values()].reduce((sum, { size }) => sum + size, 0)
    for (const place of places.slice(0, Math.max(0, left))) {
      const uids = this.#again.get(folderKey(place)) ?? new Map<number, ToRead>()
      this.#again.set(folderKey(place), uids.set(place.uid, { place, at: this.#clock }))
      if (place.messageId) this.#returning.set(place.messageId, place)
    }
  }

  toReadAgain(path: string, uidValidity: number): ToRead[] {
    return [...(this.#again.get(folderKey({ path, uidValidity }))?.values() ?? [])]
  }

  wereRead(read: readonly ToRead[]): void {
    for (const each of read) {
      const { place } = each
      const left = this.#again.get(folderKey(place))
      // Another request came in meanwhile.
      if (left?.get(place.uid) !== each) continue
      left.delete(place.uid)
      if (left.size === 0) this.#again.delete(folderKey(place))
      if (place.messageId && this.#returning.get(place.messageId) === place) this.#returning.delete(place.messageId)
    }
  }

  /** Drops requests older than a complete look at all folders: messages not read by then are in no folder. */
  lookedAtAll(asOf: number): void {
    const old = [...this.#again.values()].flatMap(uids => [...uids.values()].filter(({ at }) => at <= asOf))
    this.wereRead(old)
  }

  /** Overlays expected changes on the result of a look. @param asOf `now` when the mail server was asked. */
  adjust<Batch extends FolderBatch>(batch: Batch, asOf = 0): Batch {
    if (this.#byPlace.size === 0) return batch
    const { path, uidValidity, added, placed, changed } = batch
    const of = (uid: number) => this.#at({ path, uidValidity, uid }).filter(({ doneAt }) => (doneAt ?? asOf + 1) > asOf)
    const flagged = <Row extends { uid: number; flags: string[] }>(row: Row) => ({
      ...row,
      flags: of(row.uid).reduce((flags, { add, remove }) => withFlags(flags, add, remove), row.flags),
    })
    const stays = ({ uid }: { uid: number }) => !of(uid).some(({ leaves }) => leaves)
    return {
      ...batch,
      ...(added && { added: added.filter(stays).map(flagged) }),
      ...(placed && { placed: placed.filter(stays).map(flagged) }),
      ...(changed && { changed: changed.map(flagged) }),
    }
  }

  /** Returns the flags to show for a message that was read from the mail server. */
  flagsAt(place: Place, flags: readonly string[]): readonly string[] {
    const waiting = this.#at(place).filter(({ isDone }) => !isDone)
    return waiting.reduce((now, { add, remove }) => withFlags(now, add, remove), flags)
  }

  /** Counts messages hidden in a folder because they leave it, which the mail server may still have there. */
  countLeaving(path: string, uidValidity: number): number {
    return this.#leavingCounts.get(folderKey({ path, uidValidity })) ?? 0
  }

  /** Whether messages without a folder may return to theirs, or be in another one that was not compared since. */
  get hasLeaving(): boolean {
    return this.#leavers > 0 || this.#returning.size > 0
  }

  /** Returns the last place of a message that left its folder in lists and was not found elsewhere since. */
  placeOf(messageId: string): Place | undefined {
    return this.#leaving.get(messageId)?.at(-1)
  }

  /** Returns the place of a message whose shown move failed, until lists show it there again. */
  returningTo(messageId: string): Place | undefined {
    return this.#returning.get(messageId)
  }

  /** Moves expectations to the new path of a folder that was renamed on the mail server, and of its subfolders. */
  renameFolder(renamed: Renamed): void {
    this.#clock++
    this.#renames = [...this.#renames, { at: this.#clock, renamed }].slice(-mostRenames)
    for (const [operation, all] of [...this.#byOperation]) {
      const moved = all.map(kept => ({ ...kept, path: renamed(kept.path), to: kept.to && renamed(kept.to) }))
      this.forget(operation)
      this.#keep(operation, moved)
    }
    const again = [...this.#again.values()].flatMap(uids => [...uids.values()])
    this.wereRead(again)
    this.readAgain(again.map(({ place }) => ({ ...place, path: renamed(place.path) })))
  }

  /** Returns the current path on the mail server of a folder, given its path in the index. */
  pathNow(path: string): string {
    return this.#renames.reduce((now, { renamed }) => renamed(now), path)
  }

  /** Forgets renames that the index already contains: its folders are as of this time or later. */
  listed(asOf: number): void {
    this.#renames = this.#renames.filter(({ at }) => at > asOf)
  }

  /** Forgets changes completed by `asOf` of a folder, or of all, that was compared with the mail server since. */
  compared(asOf: number, path?: string): void {
    if (path === undefined) this.listed(asOf)
    if (this.#done === 0) return
    const isOver = (kept: Kept) =>
      kept.doneAt !== undefined && kept.doneAt <= asOf && (path === undefined || (kept.to ?? kept.path) === path)
    for (const operation of [...this.#byOperation.keys()]) this.#drop(operation, isOver)
  }

  /** Returns the pending changes of these operations (default: all) as batches, one per operation and folder. */
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

  #keep(operation: string, kept: Kept[]): void {
    this.#byOperation.set(operation, kept)
    for (const change of kept) this.#add(change)
  }

  #add(kept: Kept): void {
    const key = keyOf(kept)
    const others = this.#byPlace.get(key) ?? []
    this.#byPlace.set(key, inOrder([...others, kept]))
    if (kept.isDone) this.#done++
    else if (kept.leaves) this.#countLeaving(kept, 1)
    if (kept.leaves) this.#leavers++
    if (kept.leaves && kept.messageId !== null) {
      this.#leaving.set(kept.messageId, inOrder([...(this.#leaving.get(kept.messageId) ?? []), kept]))
    }
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
      without(this.#byPlace, key, kept)
      if (kept.isDone) this.#done--
      else if (kept.leaves) this.#countLeaving(kept, -1)
      if (kept.leaves) this.#leavers--
      if (kept.leaves && kept.messageId !== null) without(this.#leaving, kept.messageId, kept)
    }
  }

  #countLeaving(kept: Kept, more: 1 | -1): void {
    const count = (this.#leavingCounts.get(folderKey(kept)) ?? 0) + more
    if (count > 0) this.#leavingCounts.set(folderKey(kept), count)
    else this.#leavingCounts.delete(folderKey(kept))
  }
}

/** Returns whether both expect the same change of the same message; only `isDone` may have become true. */
function isOf(kept: Kept, change: ExpectedChange): boolean {
  const { uid, uidValidity, path, messageId, leaves, to } = kept
  const isThere = uid === change.uid && uidValidity === change.uidValidity && path === change.path
  const isSame = messageId === change.messageId && leaves === change.leaves && to === change.to
  if (kept.isDone && !change.isDone) return false
  return isThere && isSame && isEqual(kept.add, change.add) && isEqual(kept.remove, change.remove)
}

function isEqual(one: readonly string[], other: readonly string[]): boolean {
  return one === other || (one.length === other.length && one.every((flag, at) => flag === other[at]))
}

/** Sorts completed changes by time, then pending ones by operation: a held operation completes after later ones. */
function inOrder(changes: Kept[]): Kept[] {
  if (changes.length === 1) return changes
  const doneAt = (kept: Kept) => kept.doneAt ?? Number.POSITIVE_INFINITY
  return changes.sort((one, other) => {
    if (doneAt(one) !== doneAt(other)) return doneAt(one) - doneAt(other)
    return one.operation < other.operation ? -1 : 1
  })
}

function without(lists: Map<string, Kept[]>, key: string, kept: Kept): void {
  const others = (lists.get(key) ?? []).filter(other => other !== kept)
  if (others.length > 0) lists.set(key, others)
  else lists.delete(key)
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

/**
 * Plans the undo of operations: last done first, each message as it is on the mail server now and as the preceding
 * undos leave it. Flags that others have set since, and messages moved or deleted since, are left alone.
 */
import type { UndoOutcome } from '../../contract/operations.ts'
import type { MailConnection } from '../imap/mail-gateway.ts'
import { isNothing, neededChange } from './flag-words.ts'
import { isFolderKind } from './folder-kinds.ts'
import {
  type Change,
  type FlagChange,
  type ItemRow,
  isPlaced,
  type OperationRow,
  type Place,
  placeAfter,
  placeKey,
  placeOf,
} from './operation-tables.ts'
import { uidsThere } from './undo-checks.ts'

export interface Undoable {
  operation: OperationRow
  items: readonly ItemRow[]
}

export interface PlannedChange {
  item: ItemRow
  /** Current place of the message. */
  place: Place | undefined
  change: Change
  outcome: UndoOutcome
  why: string | null
}

export interface PlannedUndo {
  operation: OperationRow
  changes: PlannedChange[]
  /** Paths of subfolders that a rename moves along. */
  inside?: readonly string[]
}

/** The expected state of a message when its turn comes. */
interface Expected {
  isThere: boolean
  path: string
  flags: string[]
}

type Verdict = Pick<PlannedChange, 'outcome' | 'why'>
const willChange: Verdict = { outcome: 'will_change', why: null }
const nothing: Verdict = { outcome: 'nothing_to_do', why: 'It already is as it was before.' }
const conflict = (why: string): Verdict => ({ outcome: 'conflict', why })
const impossible = (why: string): Verdict => ({ outcome: 'impossible', why })

export class UndoPlan {
  readonly #moved: ReadonlyMap<string, Place>
  readonly #expected = new Map<string, Expected>()

  /** @param moved The result of `MovedMessageStore.follow` for `UndoPlan.places`. */
  constructor(moved: ReadonlyMap<string, Place>) {
    this.#moved = moved
  }

  /** Returns all places that the plan needs, as they were when the operations were done. */
  static places(undoables: readonly Undoable[]): Place[] {
    const places = undoables.flatMap(({ items }) =>
      items.flatMap(item => [isPlaced(item) ? placeOf(item) : undefined, placeAfter(item)]),
    )
    return places.filter(place => place !== undefined)
  }

  /** Reads the current state of the messages. */
  async look(connection: MailConnection, undoables: readonly Undoable[]): Promise<void> {
    const now = UndoPlan.places(undoables).map(place => this.#now(place))
    const folders = Map.groupBy(
      new Map(now.map(place => [placeKey(place), place])).values(),
      ({ path, uidValidity }) => `${uidValidity}:${path}`,
    )
    for (const places of folders.values()) {
      const there = await uidsThere(connection, places)
      for (const place of places) {
        const flags = there.get(place.uid)
        this.#expected.set(placeKey(place), { isThere: flags !== undefined, path: place.path, flags: flags ?? [] })
      }
    }
  }

  /** Makes the plan; to be called after `look`. @param undoables In the order of `lastDoneFirst`. */
  make(undoables: readonly Undoable[]): PlannedUndo[] {
    return undoables.map(({ operation, items }) => ({
      operation,
      changes: items
        .filter(({ state }) => state === 'done' || state === 'unknown')
        .map(item => this.#plan(operation, item)),
    }))
  }

  #plan({ kind }: OperationRow, item: ItemRow): PlannedChange {
    const before = isPlaced(item) ? placeOf(item) : undefined
    const after = placeAfter(item)
    const none = { item, place: before && this.#now(before), change: {} }
    if (item.state === 'unknown') return { ...none, ...impossible('It is not known what became of the message.') }
    if (!before) return { ...none, ...nothing }
    if (isFolderKind(kind)) throw new Error('a change of a folder is planned by itself')
    switch (kind) {
      case 'delete':
        return { ...none, place: undefined, ...impossible('The message was deleted permanently.') }
      case 'flags':
        return this.#flags(item, this.#now(before))
      case 'move':
        if (!after) return { ...none, ...impossible('The mail server did not say where the message is now.') }
        return this.#move(item, before, after)
      case 'copy':
        if (!after) return { ...none, ...impossible('The mail server did not say where the copy is.') }
        return this.#copy(item, before, after)
    }
  }

  #flags(item: ItemRow, place: Place): PlannedChange {
    const { add, remove } = JSON.parse(item.changed ?? '{"add":[],"remove":[]}') as FlagChange
    const change = { add: remove, remove: add }
    const expected = this.#expected.get(placeKey(place))
    if (isNothing(change)) return { item, place, change, ...nothing }
    if (!expected?.isThere) return { item, place, change, ...conflict('The message no longer exists.') }
    const needed = neededChange(expected.flags, change)
    if (isNothing(needed)) return { item, place, change, ...nothing }
    expected.flags = [...expected.flags.filter(flag => !needed.remove.includes(flag)), ...needed.add]
    return { item, place, change: needed, ...willChange }
  }

  #move(item: ItemRow, before: Place, after: Place): PlannedChange {
    const place = this.#now(after)
    const expected = this.#expected.get(placeKey(place))
    const change = { to: before.path }
    if (!expected?.isThere) return { item, place, change, ...conflict('The message no longer exists.') }
    if (expected.path === before.path) return { item, place, change, ...nothing }
    if (expected.path !== after.path)
      return { item, place, change, ...conflict(`It was moved to ${expected.path} since.`) }
    expected.path = before.path
    return { item, place, change, ...willChange }
  }

  #copy(item: ItemRow, before: Place, after: Place): PlannedChange {
    const place = this.#now(after)
    const expected = this.#expected.get(placeKey(place))
    const change = {}
    if (!expected?.isThere) return { item, place, change, ...nothing }
    if (expected.path !== after.path)
      return { item, place, change, ...conflict(`The copy was moved to ${expected.path}.`) }
    const original = this.#expected.get(placeKey(this.#now(before)))
    if (!original?.isThere) return { item, place, change, ...conflict('The original no longer exists.') }
    expected.isThere = false
    return { item, place, change, ...willChange }
  }

  #now(place: Place): Place {
    return this.#moved.get(placeKey(place)) ?? place
  }
}

/** Checks right before an undo that it does not overwrite later changes. */
import type { MailConnection } from '../imap/mail-gateway.ts'
import { Problem } from '../platform/problem.ts'
import type { MovedMessageStore } from './moved-message-store.ts'
import type { OperationStore } from './operation-store.ts'
import { type ItemRow, isPlaced, type Place, type PlacedItem, placeKey, placeOf } from './operation-tables.ts'
import type { OperationWork } from './operation-work.ts'
import { flagsOf, type Values, type Verdicts } from './source-messages.ts'

export const movedElsewhere: Values = {
  state: 'failed',
  code: 'conflict',
  why: 'The message has been moved elsewhere.',
}
export const originalGone: Values = {
  state: 'failed',
  code: 'conflict',
  why: 'The original no longer exists, so its copy is kept.',
}

/** The checks for an operation that is not an undo: none. */
export const noChecks: Pick<UndoChecks, 'conflicts'> = { conflicts: async () => new Map() }

export class UndoChecks {
  readonly #kind: 'move' | 'copy' | undefined
  /** Items of the operation that is undone, by position. */
  readonly #undone: ReadonlyMap<number, ItemRow>
  /** Current places of the originals of copies, by `placeKey` of their old places. */
  readonly #originals: ReadonlyMap<string, Place>

  private constructor(kind: 'move' | 'copy' | undefined, undone: readonly ItemRow[], originals: Map<string, Place>) {
    this.#kind = kind
    this.#undone = new Map(undone.map(item => [item.position, item]))
    this.#originals = originals
  }

  /** Reads what the operation undoes; without that, there are no conflicts. */
  static async of(
    { operation }: OperationWork,
    { store, moved }: { store: OperationStore; moved: MovedMessageStore },
  ): Promise<UndoChecks> {
    const { undo_of: undoOf, account_id: accountId } = operation
    const undone = undoOf === null ? undefined : await store.find(undoOf)
    if (!undone || (undone.kind !== 'move' && undone.kind !== 'copy')) return new UndoChecks(undefined, [], new Map())
    const items = await store.items(undone.id)
    const places = undone.kind === 'copy' ? items.filter(isPlaced).map(placeOf) : []
    return new UndoChecks(undone.kind, items, await moved.follow(accountId, places))
  }

  async conflicts(connection: MailConnection, items: readonly PlacedItem[]): Promise<Verdicts> {
    if (this.#kind === undefined) return new Map()
    const moved = items.filter(item => this.#undoneOf(item)?.after_path !== item.path)
    const conflicts: Verdicts = new Map(moved.map(item => [item, movedElsewhere]))
    if (this.#kind === 'move') return conflicts
    const originals = items.flatMap(item => {
      const original = this.#undoneOf(item)
      if (!original || !isPlaced(original)) return []
      const place = placeOf(original)
      return [{ item, place: this.#originals.get(placeKey(place)) ?? place }]
    })
    const folders = Map.groupBy(originals, ({ place }) => `${place.uidValidity}:${place.path}`)
    for (const group of folders.values()) {
      const there = await uidsThere(
        connection,
        group.map(({ place }) => place),
      )
      for (const { item, place } of group) if (!there.has(place.uid)) conflicts.set(item, originalGone)
    }
    return conflicts
  }

  #undoneOf({ undoes }: PlacedItem): ItemRow | undefined {
    return undoes === null ? undefined : this.#undone.get(undoes)
  }
}

/** Returns flags by UID; none for a folder that is gone or was recreated. */
export async function uidsThere(
  connection: MailConnection,
  places: readonly Place[],
): Promise<ReadonlyMap<number, string[]>> {
  try {
    return await flagsOf(connection, places)
  } catch (error) {
    const codes = ['folder_not_found', 'folder_not_selectable', 'stale_ref']
    if (error instanceof Problem && codes.includes(error.code)) return new Map()
    throw error
  }
}

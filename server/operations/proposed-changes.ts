/** Previews proposed operations: each message as it is on the mail server now, with its change. */
import type { ProposedChange } from '../../contract/proposal.ts'
import type { ConnectionPool } from '../imap/connection-pool.ts'
import type { IndexHeader } from '../imap/gateway-capabilities.ts'
import type { MailConnection } from '../imap/mail-gateway.ts'
import type { MessageRefs } from '../imap/message-ref.ts'
import { Problem } from '../platform/problem.ts'
import { fromWireFlag, hasFlag, toWireFlag } from './flag-words.ts'
import type { MovedMessageStore } from './moved-message-store.ts'
import type { OperationStore } from './operation-store.ts'
import {
  type Change,
  type ItemRow,
  isPlaced,
  type OperationRow,
  type Place,
  placeKey,
  placeOf,
} from './operation-tables.ts'

export interface ProposedChangesOptions {
  store: Pick<OperationStore, 'find' | 'items'>
  moved: Pick<MovedMessageStore, 'follow'>
  pool: Pick<ConnectionPool, 'run'>
  refs: Pick<MessageRefs, 'encode' | 'canName'>
}

/** UIDs per call of `headersOf`. */
const headersAtOnce = 200
const goneCodes = ['stale_ref', 'folder_not_found', 'folder_not_selectable']
const actions = { flags: 'flags', move: 'move', copy: 'copy', delete: 'delete' } as const

export class ProposedChanges {
  readonly #options: ProposedChangesOptions

  constructor(options: ProposedChangesOptions) {
    this.#options = options
  }

  /**
   * Previews one operation, in the order of its messages. Their state is unknown while the mail server is unreachable.
   */
  async list(operationId: string, from: number, limit: number, signal: AbortSignal): Promise<ProposedChange[]> {
    const { store } = this.#options
    const operation = await store.find(operationId)
    if (!operation) return []
    const items = (await store.items(operationId)).filter(({ path }) => path !== null).slice(from, from + limit)
    const placed = items.filter(isPlaced)
    const places = new Map(placed.map(item => [item, placeOf(item)] as const))
    const moved = await this.#options.moved.follow(operation.account_id, [...places.values()])
    for (const [item, place] of places) places.set(item, moved.get(placeKey(place)) ?? place)
    const known = await this.#look(operation.account_id, [...places.values()], signal)
    return items.map(item => {
      const place = isPlaced(item) ? places.get(item) : undefined
      if (!place) return this.#folder(operation, item)
      return this.#message(operation, item, place, known && (known.get(placeKey(place)) ?? null))
    })
  }

  /** @returns Headers by `placeKey`; undefined when the mail server cannot be asked. */
  async #look(
    accountId: string,
    places: readonly Place[],
    signal: AbortSignal,
  ): Promise<Map<string, IndexHeader> | undefined> {
    const found = new Map<string, IndexHeader>()
    if (places.length === 0) return found
    const look = async (connection: MailConnection) => {
      for (const [path, inFolder] of Map.groupBy(places, place => place.path)) {
        for (let at = 0; at < inFolder.length; at += headersAtOnce) {
          const piece = inFolder.slice(at, at + headersAtOnce)
          const { uidValidity, headers } = await headersIn(
            connection,
            path,
            piece.map(({ uid }) => uid),
          )
          for (const header of headers) found.set(placeKey({ path, uidValidity, uid: header.uid }), header)
        }
      }
    }
    try {
      await this.#options.pool.run(accountId, 'interactive', look, signal)
      return found
    } catch (error) {
      if (error instanceof Problem) return undefined
      throw error
    }
  }

  /** @param header Null for a message that is gone; undefined when that is not known. */
  #message(
    operation: OperationRow,
    item: ItemRow,
    place: Place,
    header: IndexHeader | null | undefined,
  ): ProposedChange {
    const { refs } = this.#options
    const { path: folder, uidValidity, uid } = place
    const change = JSON.parse(item.change) as Change
    const wire = header && [...header.flags.map(toWireFlag), ...header.keywords]
    const add = (change.add ?? []).filter(flag => !wire || !hasFlag(wire, flag)).map(fromWireFlag)
    const remove = (change.remove ?? []).filter(flag => !wire || hasFlag(wire, flag)).map(fromWireFlag)
    const action = actions[operation.kind as keyof typeof actions]
    const isSo = (action === 'flags' && add.length + remove.length === 0) || (action === 'move' && change.to === folder)
    return {
      item_id: operation.id,
      id: item.message_id,
      ref: refs.canName(folder) ? refs.encode(operation.account_id, { folder, uidValidity, uid }) : null,
      subject: header?.subject ?? null,
      from: header?.from[0] ?? null,
      date: header?.date ?? null,
      folder: header === null ? null : folder,
      flags: wire ? wire.map(fromWireFlag) : null,
      ...{ add, remove },
      to: change.to ?? null,
      action,
      outcome: header === null ? 'gone' : isSo ? 'nothing_to_do' : 'will_change',
    }
  }

  #folder(operation: OperationRow, item: ItemRow): ProposedChange {
    const { to = null } = JSON.parse(operation.arguments) as { to?: string }
    return {
      item_id: operation.id,
      ...{ id: null, ref: null, subject: null, from: null, date: null, flags: null, add: [], remove: [] },
      folder: item.path,
      to,
      action: 'folder',
      outcome: 'will_change',
    }
  }
}

/** Reads headers; none for a folder that is gone. */
async function headersIn(connection: MailConnection, path: string, uids: readonly number[]) {
  try {
    return await connection.changes.headersOf(path, uids)
  } catch (error) {
    if (error instanceof Problem && goneCodes.includes(error.code)) return { uidValidity: 0, headers: [] }
    throw error
  }
}

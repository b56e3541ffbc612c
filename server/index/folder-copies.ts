/**
 * Assigns ids to messages of one folder; identical messages are distinguished by a copy number. A new one takes the id
 * of an identical orphan, so that a move preserves the id; else the lowest number not used by an identical message in
 * the folder.
 */
import { lists } from './bulk-rows.ts'
import type { IndexChange } from './change-log.ts'
import { fixedStatement } from './fixed-statement.ts'
import { freeNumber } from './free-number.ts'
import type { MessageRecord } from './index-types.ts'
import { findMessages, type KnownMessage } from './known-messages.ts'
import { idOf, secondsOf } from './message-identity.ts'

/** Identical messages of a folder up to which the lowest free number is found; past it, any free number is taken. */
const mostInOrder = 128
/** Orphaned copies considered per batch: those with the lowest numbers. */
const mostLost = 2_000

interface IdentifiedRecord {
  record: MessageRecord
  identity: string
}

const key = (id: Uint8Array) => Buffer.from(id.buffer, id.byteOffset, id.byteLength).toString('latin1')

const lostCopies = fixedStatement((db, account: number) =>
  db
    .selectFrom('messages')
    .select(['id', 'copy', 'date', 'size'])
    .where('account', '=', account)
    .where('orphaned_round', 'is not', null)
    .where('copy', '>', 0)
    .orderBy('copy')
    .limit(mostLost),
)

/** Key shared by identical messages, and possibly by others. */
const likeness = (seconds: number, size: number) => `${seconds}:${size}`

export class FolderCopies {
  readonly #change: IndexChange
  readonly #folder: number
  readonly #known = new Map<string, KnownMessage | undefined>()
  /** Ids of messages that have a place in the folder, or get one in this batch. */
  readonly #inFolder = new Set<string>()
  /** By identity, the number up to which all are taken. */
  readonly #last = new Map<string, number>()
  /** Ids of first copies by identity, so that each is hashed once. */
  readonly #ids = new Map<string, Buffer>()
  /** Orphaned copies (numbers above 0) by `likeness`. */
  #orphans = new Map<string, { id: Uint8Array; copy: number }[]>()
  /** Ascending numbers of orphaned copies that are still available, by identity. */
  readonly #lost = new Map<string, number[]>()

  constructor(change: IndexChange, folder: number) {
    this.#change = change
    this.#folder = folder
  }

  /** Preloads what is known of the records of a batch. */
  async load(records: readonly IdentifiedRecord[]): Promise<void> {
    if (records.length === 0) return
    await this.#load(records.map(({ identity }) => this.#idOf(identity, 0)))
    const { db, account } = this.#change
    const orphans = await lostCopies(db, account)
    this.#orphans = Map.groupBy(orphans, ({ date, size }) => likeness(Math.floor(date / 1000), size))
  }

  /** Reserves the ids of known messages that get a place in the folder in this batch. */
  take(messages: readonly KnownMessage[]): void {
    for (const { id } of messages) this.#inFolder.add(key(id))
  }

  /** Assigns an id to a record and reserves it; `known` is the message if the index holds it. */
  async next(
    record: MessageRecord,
    identity: string,
  ): Promise<{ copy: number; id: Buffer; known: KnownMessage | undefined }> {
    const lost = this.#orphans.size > 0 ? await this.#lostOf(record, identity) : undefined
    const copy = lost?.shift() ?? (await this.#lowest(identity))
    const id = this.#idOf(identity, copy)
    this.#inFolder.add(key(id))
    return { copy, id, known: await this.#find(id) }
  }

  #idOf(identity: string, copy: number): Buffer {
    if (copy > 0) return idOf(identity, copy)
    const id = this.#ids.get(identity) ?? idOf(identity, 0)
    this.#ids.set(identity, id)
    return id
  }

  async #load(ids: readonly Buffer[]): Promise<void> {
    for (const id of ids) this.#known.set(key(id), undefined)
    const messages = await findMessages(this.#change, 'id', ids)
    for (const message of messages) this.#known.set(key(message.id), message)
    const { db, account } = this.#change
    for (const piece of lists(messages.map(({ rowid }) => rowid))) {
      const places = await db
        .selectFrom('places')
        .select('message')
        .where('account', '=', account)
        .where('folder', '=', this.#folder)
        .where('message', 'in', piece)
        .execute()
      const rowids = new Set(places.map(({ message }) => message))
      for (const { rowid, id } of messages) if (rowids.has(rowid)) this.#inFolder.add(key(id))
    }
  }

  async #find(id: Buffer): Promise<KnownMessage | undefined> {
    if (!this.#known.has(key(id))) await this.#load([id])
    return this.#known.get(key(id))
  }

  async #isTaken(identity: string, copy: number): Promise<boolean> {
    const id = this.#idOf(identity, copy)
    await this.#find(id)
    return this.#inFolder.has(key(id))
  }

  async #lostOf({ date, sizeBytes }: MessageRecord, identity: string): Promise<number[]> {
    const known = this.#lost.get(identity)
    if (known) return known
    const alike = this.#orphans.get(likeness(secondsOf(date), sizeBytes)) ?? []
    const left = alike.filter(({ id }) => !this.#inFolder.has(key(id)))
    const lost = left.filter(({ id, copy }) => this.#idOf(identity, copy).equals(id)).map(({ copy }) => copy)
    await this.#load(lost.map(copy => this.#idOf(identity, copy)))
    if (lost.length > 0 && (await this.#isLost(identity))) lost.unshift(0)
    this.#lost.set(identity, lost)
    return lost
  }

  /** Whether the first copy is an orphan, too. */
  async #isLost(identity: string): Promise<boolean> {
    const first = await this.#find(this.#idOf(identity, 0))
    if (!first || (await this.#isTaken(identity, 0))) return false
    const { db, account } = this.#change
    const rows = await db
      .selectFrom('messages')
      .select('rowid')
      .where('account', '=', account)
      .where('rowid', '=', first.rowid)
      .where('orphaned_round', 'is not', null)
      .execute()
    return rows.length > 0
  }

  async #lowest(identity: string): Promise<number> {
    let copy = this.#last.get(identity) ?? 0
    if (copy === 0 && (await this.#isTaken(identity, 0))) {
      await this.#load(Array.from({ length: mostInOrder }, (_, before) => this.#idOf(identity, before + 1)))
    }
    while (copy < mostInOrder && (await this.#isTaken(identity, copy))) copy++
    const isTaken = (number: number) => this.#isTaken(identity, number)
    if (copy >= mostInOrder && (await isTaken(copy))) copy = await freeNumber(copy, isTaken)
    this.#last.set(identity, copy)
    return copy
  }
}

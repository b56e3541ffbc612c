/**
 * Texts of messages, many in one compressed block: by itself a short one takes half as much again, and twice the processor's time. A text is
 * found by one number: that of its block, and its place there.
 */
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { insertRows, lists } from './bulk-rows.ts'
import type { IndexOwner } from './change-log.ts'
import { fixedStatement } from './fixed-statement.ts'
import { isSqlite } from './index-schema.ts'

export interface BlockKind {
  table: 'text_blocks' | 'envelope_blocks'
  /** Bytes of texts in a block, as far as it has more than one. What is read of it is read whole. */
  maxBytes: number
  /** Of Zstandard. */
  level: number
}

/** To read one takes some 100 µs. In a trial level 9 took a third more of the processor and 1 % less room, level 3 a third less and 4 % more. */
const textBlocks: BlockKind = { table: 'text_blocks', maxBytes: 48 * 1024, level: 6 }
/** Texts in a block. */
const maxTexts = 1024
/** No more memory is taken for a block, whatever is in it: the longest text has three bytes for each of 256 Ki characters. */
const mostInflated = 4 * 1024 * 1024
/** No text has it: PostgreSQL stores none either. */
const separator = '\0'

interface Block {
  number: number
  bytes: number
  texts: string[]
}

/** Behind those that are there. Answers where each of them is, in their order. */
export async function appendTexts(
  owner: IndexOwner,
  texts: readonly string[],
  kind: BlockKind = textBlocks,
): Promise<number[]> {
  if (texts.length === 0) return []
  let block = await lastBlock(owner, kind)
  const places: number[] = []
  const full: Block[] = []
  for (const text of texts) {
    const bytes = Buffer.byteLength(text) + 1
    const hasRoom = block.bytes + bytes <= kind.maxBytes && block.texts.length < maxTexts
    if (!hasRoom && block.texts.length > 0) {
      full.push(block)
      block = emptyBlock(block.number + 1)
    }
    places.push(block.number * maxTexts + block.texts.length)
    block.texts.push(text.replaceAll(separator, ''))
    block.bytes += bytes
  }
  await writeBlocks(owner, [...full, block], kind)
  return places
}

/** What is left of their blocks is written again, so that nothing of them stays. */
export async function removeFromBlocks(
  owner: IndexOwner,
  places: readonly number[],
  kind: BlockKind = textBlocks,
): Promise<void> {
  const { db, account } = owner
  const numbers = blocksOf(places)
  const blocks = new Map<number, string[]>()
  for (const [number, block] of await readBlocks(owner, numbers, kind)) blocks.set(number, textsOf(block))
  for (const place of places) {
    const texts = blocks.get(Math.floor(place / maxTexts))
    if (texts) texts[place % maxTexts] = ''
  }
  const newest = await lastNumber(owner, kind)
  const changed = [...blocks].map(([number, texts]) => ({ number, texts, bytes: bytesOf(texts) }))
  // The last one stays, so that no number is given again: an empty text may still be known by it.
  const isKept = ({ number, texts }: Block) => number >= newest || texts.some(text => text !== '')
  await writeBlocks(owner, changed.filter(isKept), kind)
  const empty = changed.filter(block => !isKept(block)).map(({ number }) => number)
  for (const piece of lists(empty)) {
    await db.deleteFrom(kind.table).where('account', '=', account).where('number', 'in', piece).execute()
  }
}

/** Reads texts for one answer: each block once. */
export class BlockReader {
  readonly #owner: IndexOwner
  readonly #kind: BlockKind
  readonly #blocks = new Map<number, Buffer>()

  constructor(owner: IndexOwner, kind: BlockKind = textBlocks) {
    this.#owner = owner
    this.#kind = kind
  }

  /** By their places; null among those stands for a message without a text. */
  async read(places: readonly (number | null)[]): Promise<ReadonlyMap<number, string>> {
    const wanted = places.filter(place => place !== null)
    const absent = blocksOf(wanted).filter(number => !this.#blocks.has(number))
    for (const [number, block] of await readBlocks(this.#owner, absent, this.#kind)) this.#blocks.set(number, block)
    const found = new Map<number, string>()
    for (const [number, ofBlock] of Map.groupBy(wanted, place => Math.floor(place / maxTexts))) {
      const block = this.#blocks.get(number)
      const places = ofBlock.toSorted((one, other) => one - other)
      // Of a block that is gone nothing but empty texts were left.
      const texts = block ? textsAt(block, places) : []
      for (const [at, place] of places.entries()) found.set(place, texts[at] ?? '')
    }
    return found
  }
}

function blocksOf(places: readonly number[]): number[] {
  return [...new Set(places.map(place => Math.floor(place / maxTexts)))]
}

function emptyBlock(number: number): Block {
  return { number, bytes: 0, texts: [] }
}

/** The one that is filled at this time. */
async function lastBlock({ db, account }: IndexOwner, { table, maxBytes }: BlockKind): Promise<Block> {
  const last = await db
    .selectFrom(table)
    .select(['number', 'bytes', 'texts'])
    .where('account', '=', account)
    .orderBy('number', 'desc')
    .limit(1)
    .executeTakeFirst()
  if (!last) return emptyBlock(1)
  const { number, bytes } = last
  return bytes < maxBytes ? { number, bytes, texts: textsOf(inflate(last.texts)) } : emptyBlock(number + 1)
}

async function lastNumber({ db, account }: IndexOwner, { table }: BlockKind): Promise<number> {
  const { last } = await db
    .selectFrom(table)
    .select(({ fn }) => fn.max('number').as('last'))
    .where('account', '=', account)
    .executeTakeFirstOrThrow()
  return last ?? 0
}

const blocksAt = { text_blocks: blocksIn('text_blocks'), envelope_blocks: blocksIn('envelope_blocks') }

function blocksIn(table: BlockKind['table']) {
  return fixedStatement((db, account: number, numbers: readonly number[]) =>
    db.selectFrom(table).select(['number', 'texts']).where('account', '=', account).where('number', 'in', numbers),
  )
}

async function readBlocks(
  { db, account, blocks }: IndexOwner,
  numbers: readonly number[],
  { table }: BlockKind,
): Promise<Map<number, Buffer>> {
  const found = new Map<number, Buffer>()
  for (const piece of lists(numbers)) {
    for (const { number, texts } of await blocksAt[table](db, account, piece)) {
      const key = `${blocks?.accountId} ${table} ${number}`
      found.set(number, blocks ? blocks.cache.inflated(key, texts, inflate) : inflate(texts))
    }
  }
  return found
}

async function writeBlocks({ db, account }: IndexOwner, blocks: readonly Block[], kind: BlockKind): Promise<void> {
  const rows = blocks.map(({ number, bytes, texts }) => [account, number, bytes, deflate(texts, kind.level)])
  const key = isSqlite(db) ? 'number' : 'account, number'
  const conflict = `on conflict (${key}) do update set bytes = excluded.bytes, texts = excluded.texts`
  await insertRows(db, kind.table, ['account', 'number', 'bytes', 'texts'], rows, conflict)
}

const bytesOf = (texts: readonly string[]) => texts.reduce((sum, text) => sum + Buffer.byteLength(text) + 1, 0)

function deflate(texts: readonly string[], level: number): Uint8Array {
  return zstdCompressSync(texts.join(separator), { params: { [constants.ZSTD_c_compressionLevel]: level } })
}

function inflate(block: Uint8Array): Buffer {
  return zstdDecompressSync(block, { maxOutputLength: mostInflated })
}

const textsOf = (block: Buffer) => block.toString('utf8').split(separator)

/** One of them, without making text of the others. */
/** Of places in this block, in their order. The block is gone through once: to begin again for each of them takes as long as all else of a thousand. */
function textsAt(block: Buffer, places: readonly number[]): string[] {
  let [passed, from] = [0, 0]
  const endOf = () => {
    const end = block.indexOf(0, from)
    return end === -1 ? block.length : end
  }
  return places.map(place => {
    for (; passed < place % maxTexts; passed++) from = endOf() + 1
    return block.toString('utf8', from, endOf())
  })
}

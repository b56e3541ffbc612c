/** Reads compressed blocks of texts and envelopes: see text-blocks.ts. Each block is read once for an answer. */
import { zstdDecompressSync } from 'node:zlib'
import { lists } from './bulk-rows.ts'
import type { IndexOwner } from './change-log.ts'
import { fixedStatement, preparedStatement } from './fixed-statement.ts'
import { isSqlite } from './index-schema.ts'

export interface BlockKind {
  table: 'text_blocks' | 'envelope_blocks'
  /** Bytes of texts in a block, as far as it has more than one. What is read of it is read whole. */
  maxBytes: { sqlite: number; postgres: number }
  /** Of Zstandard. */
  level: number
}

/**
 * PostgreSQL sends each as text, and takes as long for that as it takes to inflate it: in blocks of 48 KiB, which are 4 % smaller, hits far from each other took a
 * third more.
 */
const maxBytes = { sqlite: 48 * 1024, postgres: 32 * 1024 }
/** To read one takes some 100 µs. In a trial level 9 took a third more of the processor and 1 % less room, level 3 a third less and 4 % more. */
export const textBlocks: BlockKind = { table: 'text_blocks', maxBytes, level: 6 }
/** Texts in a block. */
export const maxTexts = 1024
/** No more memory is taken for a block, whatever is in it: the longest text has three bytes for each of 256 Ki characters. */
const mostInflated = 4 * 1024 * 1024

type Places = readonly (number | null)[]
/** Blocks of a table, by their numbers. */
interface Wanted {
  table: BlockKind['table']
  numbers: readonly number[]
}

export class BlockReader {
  readonly #owner: IndexOwner
  readonly #kind: BlockKind
  readonly #blocks = new Map<number, Buffer>()

  constructor(owner: IndexOwner, kind: BlockKind = textBlocks) {
    this.#owner = owner
    this.#kind = kind
  }

  /** By their places; null among those stands for a message without a text. */
  async read(places: Places): Promise<ReadonlyMap<number, string>> {
    await this.#load([this.#absent(places)])
    const found = new Map<number, string>()
    const wanted = places.filter(place => place !== null)
    for (const [number, ofBlock] of Map.groupBy(wanted, place => Math.floor(place / maxTexts))) {
      const block = this.#blocks.get(number)
      const places = ofBlock.toSorted((one, other) => one - other)
      // Of a block that is gone nothing but empty texts were left.
      const texts = block ? textsAt(block, places) : []
      for (const [at, place] of places.entries()) found.set(place, texts[at] ?? '')
    }
    return found
  }

  /** What both are going to read, of another table each: with PostgreSQL by one statement. */
  async loadWith(places: Places, other: BlockReader, ofOther: Places): Promise<void> {
    await this.#load([this.#absent(places), other.#absent(ofOther)], other)
  }

  #absent(places: Places): Wanted {
    const numbers = blocksOf(places.filter(place => place !== null)).filter(number => !this.#blocks.has(number))
    return { table: this.#kind.table, numbers }
  }

  async #load(wanted: readonly Wanted[], other?: BlockReader): Promise<void> {
    for (const { table, number, block } of await readBlocks(this.#owner, wanted)) {
      const reader = table === this.#kind.table || !other ? this : other
      reader.#blocks.set(number, block)
    }
  }
}

export function blocksOf(places: readonly number[]): number[] {
  return [...new Set(places.map(place => Math.floor(place / maxTexts)))]
}

interface ReadBlock {
  table: BlockKind['table']
  number: number
  block: Buffer
}

export async function readBlocks(owner: IndexOwner, wanted: readonly Wanted[]): Promise<ReadBlock[]> {
  const { db, blocks } = owner
  const found: ReadBlock[] = []
  const take = (table: BlockKind['table'], number: number, texts: Uint8Array) => {
    const key = `${blocks?.accountId} ${table} ${number}`
    found.push({ table, number, block: blocks ? blocks.cache.inflated(key, texts, inflate) : inflate(texts) })
  }
  await (isSqlite(db) ? readOfSqlite : readOfPostgres)(owner, wanted, take)
  return found
}

type Take = (table: BlockKind['table'], number: number, texts: Uint8Array) => void

const blocksAt = { text_blocks: blocksIn('text_blocks'), envelope_blocks: blocksIn('envelope_blocks') }

function blocksIn(table: BlockKind['table']) {
  return fixedStatement((db, account: number, numbers: readonly number[]) =>
    db.selectFrom(table).select(['number', 'texts']).where('account', '=', account).where('number', 'in', numbers),
  )
}

async function readOfSqlite({ db, account }: IndexOwner, wanted: readonly Wanted[], take: Take): Promise<void> {
  for (const { table, numbers } of wanted) {
    for (const piece of lists(numbers)) {
      for (const { number, texts } of await blocksAt[table](db, account, piece)) take(table, number, texts)
    }
  }
}

/** Blocks that one statement reads. */
const readAtOnce = 256

/** As hexadecimal digits, its own text for bytes, PostgreSQL takes twice as long to send them. */
const blocksOfBoth = preparedStatement<{ is_text: boolean; number: number; base64: string }>(`
  select true as is_text, number, encode(texts, 'base64') as base64 from text_blocks
    where account = $1 and number = any($2::bigint[])
  union all
  select false, number, encode(texts, 'base64') from envelope_blocks where account = $1 and number = any($3::bigint[])`)

async function readOfPostgres({ db, account }: IndexOwner, wanted: readonly Wanted[], take: Take): Promise<void> {
  const numbersOf = (name: BlockKind['table']) =>
    wanted.filter(({ table }) => table === name).flatMap(({ numbers }) => numbers)
  const [texts, envelopes] = [numbersOf('text_blocks'), numbersOf('envelope_blocks')]
  for (let at = 0; at < Math.max(texts.length, envelopes.length); at += readAtOnce) {
    const piece = (all: readonly number[]) => all.slice(at, at + readAtOnce)
    for (const { is_text: isText, number, base64 } of await blocksOfBoth(db, account, piece(texts), piece(envelopes))) {
      take(isText ? 'text_blocks' : 'envelope_blocks', number, Buffer.from(base64, 'base64'))
    }
  }
}

export function inflate(block: Uint8Array): Buffer {
  return zstdDecompressSync(block, { maxOutputLength: mostInflated })
}

/**
 * Of places in this block, in their order, without making text of the others. The block is gone through once: to begin again for each of them takes as
 * long as all else of a thousand.
 */
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

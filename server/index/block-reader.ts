/** Reads compressed blocks of texts and envelopes (see text-blocks.ts), each block once per answer. */
import { zstdDecompressSync } from 'node:zlib'
import { lists } from './bulk-rows.ts'
import type { IndexOwner } from './change-log.ts'
import { fixedStatement, preparedStatement } from './fixed-statement.ts'
import { isSqlite } from './index-schema.ts'

export interface BlockKind {
  table: 'text_blocks' | 'envelope_blocks'
  /** Bytes of texts per block, exceeded only by a block with a single text. A block is always read whole. */
  maxBytes: { sqlite: number; postgres: number }
  /** Zstandard compression level. */
  level: number
}

/**
 * Block sizes by database. PostgreSQL sends blocks as text, which takes as long as inflating them: with 48 KiB, which
 * saves 4 % of space, hits far from each other took a third longer.
 */
const maxBytes = { sqlite: 48 * 1024, postgres: 32 * 1024 }
/**
 * Text blocks; reading one takes about 100 µs. Measured: level 9 costs a third more CPU for 1 % less space, level 3 a
 * third less for 4 % more.
 */
export const textBlocks: BlockKind = { table: 'text_blocks', maxBytes, level: 6 }
/** Upper bound on texts per block. */
export const maxTexts = 1024
/** Bytes that a block may inflate to, whatever its content; the longest text has 256 Ki characters of three bytes. */
const mostInflated = 4 * 1024 * 1024

type Places = readonly (number | null)[]
/** Blocks to read from a table, by number. */
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

  /** Returns the texts by place; a null place stands for a message without a text. */
  async read(places: Places): Promise<ReadonlyMap<number, string>> {
    await this.#load([this.#absent(places)])
    const found = new Map<number, string>()
    const wanted = places.filter(place => place !== null)
    for (const [number, ofBlock] of Map.groupBy(wanted, place => Math.floor(place / maxTexts))) {
      const block = this.#blocks.get(number)
      const places = ofBlock.toSorted((one, other) => one - other)
      // A block is removed once only empty texts are left in it.
      const texts = block ? textsAt(block, places) : []
      for (const [at, place] of places.entries()) found.set(place, texts[at] ?? '')
    }
    return found
  }

  /** Preloads the blocks for this reader and one of another table: with PostgreSQL in one statement. */
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

/** Blocks read per statement. */
const readAtOnce = 256

/** Reads blocks as base64: hexadecimal digits, PostgreSQL's own text form of bytes, take twice as long to send. */
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
 * Decodes the texts at ascending places of this block in a single pass, without decoding the others: starting over for
 * each place would double the time of reading a thousand messages.
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

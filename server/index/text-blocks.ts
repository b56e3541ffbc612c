/**
 * Stores message texts, many per compressed block: compressed one by one, short texts take 50 % more space and twice
 * the CPU. A text's place is a single number that combines its block and its position there.
 */
import { constants, zstdCompressSync } from 'node:zlib'
import { type BlockKind, blocksOf, inflate, maxTexts, readBlocks, textBlocks } from './block-reader.ts'
import { insertRows, lists } from './bulk-rows.ts'
import type { IndexOwner } from './change-log.ts'
import { isSqlite } from './index-schema.ts'

/** Separates texts; removed from texts, since PostgreSQL cannot store it either. */
const separator = '\0'

interface Block {
  number: number
  bytes: number
  texts: string[]
}

/** Appends texts, and returns their places in the same order. */
export async function appendTexts(
  owner: IndexOwner,
  texts: readonly string[],
  kind: BlockKind = textBlocks,
): Promise<number[]> {
  if (texts.length === 0) return []
  const maxBytes = kind.maxBytes[isSqlite(owner.db) ? 'sqlite' : 'postgres']
  let block = await lastBlock(owner, kind, maxBytes)
  const places: number[] = []
  const full: Block[] = []
  for (const text of texts) {
    const bytes = Buffer.byteLength(text) + 1
    const hasRoom = block.bytes + bytes <= maxBytes && block.texts.length < maxTexts
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

/** Removes texts by rewriting their blocks, so that no trace of them is left. */
export async function removeFromBlocks(
  owner: IndexOwner,
  places: readonly number[],
  kind: BlockKind = textBlocks,
): Promise<void> {
  const { db, account } = owner
  const numbers = blocksOf(places)
  const blocks = new Map<number, string[]>()
  const wanted = { table: kind.table, numbers }
  for (const { number, block } of await readBlocks(owner, [wanted])) blocks.set(number, textsOf(block))
  for (const place of places) {
    const texts = blocks.get(Math.floor(place / maxTexts))
    if (texts) texts[place % maxTexts] = ''
  }
  const newest = await lastNumber(owner, kind)
  const changed = [...blocks].map(([number, texts]) => ({ number, texts, bytes: bytesOf(texts) }))
  // The last block is kept, so that no number is reused: it may still be referenced as an empty text.
  const isKept = ({ number, texts }: Block) => number >= newest || texts.some(text => text !== '')
  await writeBlocks(owner, changed.filter(isKept), kind)
  const empty = changed.filter(block => !isKept(block)).map(({ number }) => number)
  for (const piece of lists(empty)) {
    await db.deleteFrom(kind.table).where('account', '=', account).where('number', 'in', piece).execute()
  }
}

function emptyBlock(number: number): Block {
  return { number, bytes: 0, texts: [] }
}

/** Returns the block to append to. */
async function lastBlock({ db, account }: IndexOwner, { table }: BlockKind, maxBytes: number): Promise<Block> {
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

const textsOf = (block: Buffer) => block.toString('utf8').split(separator)

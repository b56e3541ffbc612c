/** Suite for blocks of texts: texts are stored unchanged and separately, and leave no trace when removed. */
import { expect, test } from 'vitest'
import type { IndexWorld } from '../../test/support/index-world.ts'
import { BlockCache } from './block-cache.ts'
import { BlockReader } from './block-reader.ts'
import type { IndexOwner } from './change-log.ts'
import { appendTexts, removeFromBlocks } from './text-blocks.ts'

export function textBlocksSuite(world: IndexWorld): void {
  const inIndex = async <Result>(work: (owner: IndexOwner) => Promise<Result>): Promise<Result> => {
    const { use } = await world.open()
    return use((_store, db, account) => work({ db, account }))
  }
  const blocks = async ({ db, account }: IndexOwner) =>
    (await db.selectFrom('text_blocks').selectAll().where('account', '=', account).execute()).length
  const read = async (owner: IndexOwner, places: (number | null)[]) => {
    const texts = await new BlockReader(owner).read(places)
    return places.map(place => (place === null ? undefined : texts.get(place)))
  }

  test('each text comes back as it was, however many and however long they are', async () => {
    await inIndex(async owner => {
      const texts = ['tea', '', 'Grüße 日本語 😀', 'x'.repeat(200_000), 'é'.repeat(40_000), ...manyTexts(3_000)]
      const places: number[] = []
      for (let from = 0; from < texts.length; from += 70) {
        places.push(...(await appendTexts(owner, texts.slice(from, from + 70))))
      }
      expect(new Set(places).size).toBe(texts.length)
      expect(await read(owner, places)).toEqual(texts)
      expect(await read(owner, places.toReversed())).toEqual(texts.toReversed())
      expect(await read(owner, [null, places[2]!])).toEqual([undefined, texts[2]])
      // Texts appended one by one fill the same block.
      const before = await blocks(owner)
      for (const text of ['one', 'two', 'three']) places.push(...(await appendTexts(owner, [text])))
      expect(await read(owner, places.slice(-3))).toEqual(['one', 'two', 'three'])
      expect((await blocks(owner)) - before).toBeLessThanOrEqual(1)
    })
  })

  test('a removed text is in no block any more, and its place is not given again', async () => {
    await inIndex(async owner => {
      const texts = ['secret', '', 'tea', ...manyTexts(5_000)]
      const places = await appendTexts(owner, texts)
      const before = await blocks(owner)
      await removeFromBlocks(owner, [places[0]!])
      expect(await read(owner, places)).toEqual(['', ...texts.slice(1)])
      await removeFromBlocks(
        owner,
        places.filter((_place, index) => index !== 1),
      )
      expect(before).toBeGreaterThan(2)
      expect(await blocks(owner)).toBe(1)
      const [next] = await appendTexts(owner, ['milk'])
      expect(places).not.toContain(next)
      expect(await read(owner, [next!, ...places])).toEqual(['milk', ...places.map(() => '')])
    })
  })

  test('a reader of a cached block does not see what was removed from it since', async () => {
    await inIndex(async owner => {
      const reader = { ...owner, blocks: { accountId: 'account', cache: new BlockCache() } }
      const places = await appendTexts(owner, ['secret', 'tea'])
      expect(await read(reader, places)).toEqual(['secret', 'tea'])
      await removeFromBlocks(owner, [places[0]!])
      expect(await read(reader, places)).toEqual(['', 'tea'])
    })
  })

  test('a text with the sign that stands between texts does not become two', async () => {
    await inIndex(async owner => {
      const places = await appendTexts(owner, ['a\0b', 'c'])
      expect(await read(owner, places)).toEqual(['ab', 'c'])
    })
  })
}

function manyTexts(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `This is text ${index}, and it says ${(index * 7919) % 1000}.`)
}

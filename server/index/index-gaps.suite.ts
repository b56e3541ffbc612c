/** The suite of listing messages without a text, for every index. */
import { expect, test } from 'vitest'
import { type IndexWorld, recordOf, textOf } from '../../test/support/index-world.ts'
import { openedIndex } from '../../test/support/opened-index.ts'

export function indexGapsSuite(world: IndexWorld): void {
  test('messages without a text are listed from the newest on, and continued below one of them', async () => {
    const { apply, use } = await openedIndex(world, ['INBOX', 'Archive'])
    await apply({ path: 'INBOX', added: [1, 2, 3, 4, 5].map(uid => recordOf(uid)) })
    // One place is enough for a message in two folders.
    await apply({ path: 'Archive', added: [recordOf(9, { ...recordOf(5), uid: 9 })] })
    await apply({ path: 'INBOX', texts: [textOf(3, 'three')] })
    const list = (limit: number, below?: number) => use(store => store.listWithoutText(limit, below))
    const first = await list(2)
    expect(first).toMatchObject([
      { sizeBytes: 1_005, uidValidity: 7 },
      { path: 'INBOX', uid: 4 },
    ])
    expect([5, 9]).toContain(first[0]!.uid)
    const rest = await list(10, first[1]!.message)
    expect(rest.map(({ uid }) => uid)).toEqual([2, 1])
    expect(await list(10, rest[1]!.message)).toEqual([])
    expect(await list(10)).toEqual([...first, ...rest])
  })
}

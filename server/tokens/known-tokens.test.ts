/** Each use of a token is noted, whenever it comes. */
import { expect, test } from 'vitest'
import { memoryDatabase } from '../../test/support/databases.ts'
import { minute, reader, setUp } from '../../test/support/tokens-on.ts'

test('a use in any moment of the end of a write of uses is written too', async () => {
  const { tokens, signIn, who, store, clock } = await setUp(await memoryDatabase())
  const ann = await signIn('ann', 'operator', ['a'])
  const [one, other] = [await tokens.create(ann, reader), await tokens.create(ann, reader)]
  let written: string[] = []
  let depth = 0
  const later = (left: number): void => {
    if (left === 0) void who(other.token)
    else queueMicrotask(() => later(left - 1))
  }
  const noteUses = store.noteUses.bind(store)
  store.noteUses = async uses => {
    await noteUses(uses)
    written.push(...uses.map(({ id }) => id))
    if (uses.some(({ id }) => id === one.info.id)) later(depth)
  }
  for (; depth < 12; depth++) {
    written = []
    clock.now += minute
    await who(one.token)
    await tokens.stop()
    await new Promise(setImmediate)
    await tokens.stop()
    expect(written).toEqual([one.info.id, other.info.id])
  }
})

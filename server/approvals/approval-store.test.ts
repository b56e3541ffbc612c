/** Stored approvals change only while they wait, and only as the message that they were asked for. */
import { expect, test } from 'vitest'
import { startSending } from '../../test/support/send-world.ts'

test('a decision is stored once, and for exactly this message', async () => {
  const { create, send, approvalOf, approvalStore: store, db } = await startSending()
  const body = { format: 'text', content: 'x' } as const
  const [row, other] = await Promise.all(
    ['One', 'Two'].map(async subject => {
      const { id } = await send(await create({ to: ['eve@example.org'], subject, body }))
      return approvalOf(id)
    }),
  )
  if (!row || !other) throw new Error('none waits')
  expect(await store.change(db, { ...row, hash: other.hash }, { state: 'approved' })).toBe(false)
  expect(await store.change(db, row, { state: 'denied' })).toBe(true)
  expect(await store.change(db, row, { state: 'approved' })).toBe(false)
  const states = async () => [(await store.find(row.id))?.state, (await store.find(other.id))?.state]
  expect(await states()).toEqual(['denied', 'waiting'])
})

/** The pruner forgets what ended long ago, and content earlier; what waits it leaves alone. */
import { expect, test } from 'vitest'
import { startOutbox, user } from '../../test/support/outbox-world.ts'
import { createLogger } from '../platform/logger.ts'
import { outboxPruner } from './outbox-pruner.ts'

const day = 24 * 60 * 60_000

test('ended ones are forgotten by age and number, their content by age and size', async () => {
  const { db, submit, until, untilCopy, store, blobs, senders, clock, outbox, decisions } = await startOutbox()
  const rows = [await submit(), await submit(), await submit()]
  for (const { id } of rows) await until(id, 'sent')
  for (const { id } of rows) await untilCopy(id, 'saved')
  senders.server = { message: () => '554 no' }
  const failed = await submit()
  await until(failed.id, 'failed')
  const held = await submit({}, 'held')
  let now = clock.now()
  let mayPrune = true
  const keep = { ms: 30 * day, submissions: 3, contentMs: 7 * day, contentBytes: 1_000_000 }
  const logger = createLogger('silent')
  const options = { db, store, blobs, mayPrune: () => mayPrune, retentionNow: () => now, logger, keep }
  const pruner = outboxPruner(options)
  const left = async () => (await outbox.list(user, { limit: 100 })).items.map(({ id }) => id)
  const all = [...rows.map(({ id }) => id), failed.id, held.id].toReversed()
  mayPrune = false
  await pruner.run()
  expect(await left()).toEqual(all)
  mayPrune = true
  await pruner.run()
  expect(await left()).toEqual(all.slice(0, 4))
  expect([...blobs.used.keys()]).toHaveLength(4)
  now += 8 * day
  await pruner.run()
  expect(await left()).toEqual(all.slice(0, 4))
  expect([...blobs.used.keys()]).toEqual([`submission:${held.id}`])
  await expect(decisions.retry(user, failed.id)).rejects.toMatchObject({ code: 'not_possible_now' })
  now += 23 * day
  await pruner.run()
  expect(await left()).toEqual([held.id])
  await outboxPruner({ ...options, keep: { ...keep, contentBytes: 0 } }).run()
  expect(await left()).toEqual([held.id])
})

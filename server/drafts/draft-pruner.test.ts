/** Sent drafts are forgotten with what they hold once they are old; open ones never. */
import { expect, test } from 'vitest'
import { onEachDatabase } from '../../test/support/databases.ts'
import { agent, startDrafts } from '../../test/support/draft-world.ts'
import { createLogger } from '../platform/logger.ts'
import { draftPruner } from './draft-pruner.ts'

const day = 24 * 60 * 60_000

onEachDatabase(open => {
  test('a draft that was sent is forgotten after 30 days, with its attachments; others stay', async () => {
    const world = await startDrafts({ db: await open() })
    const { db, hub, store, blobs, drafts } = world
    const [sent, kept] = [await world.create(), await world.create()]
    for (const draft of [sent, kept]) await world.attach(draft, 'a.txt', Buffer.from(draft.id))
    await hub.transact((transaction, publish) =>
      drafts.mark(transaction, publish, sent.id, 'sent', 's01k5r9w2m3c7x4aq'),
    )
    const prune = (ms: number, mayPrune = true) =>
      draftPruner({
        ...{ db, store, blobs },
        mayPrune: () => mayPrune,
        retentionNow: () => Date.now() + ms,
        logger: createLogger('silent'),
      }).run()
    await prune(29 * day)
    await prune(31 * day, false)
    expect((await drafts.get(agent, 'a', sent.id)).attachments).toHaveLength(1)
    await prune(31 * day)
    await expect(drafts.get(agent, 'a', sent.id)).rejects.toMatchObject({ code: 'draft_not_found' })
    expect((await drafts.get(agent, 'a', kept.id)).attachments).toHaveLength(1)
    const uses = await db.selectFrom('blob_uses').select('owner').execute()
    expect(uses.map(({ owner }) => owner)).toEqual([`draft:${kept.id}`])
  })
})

/** Drafts on both databases: created, changed by one of several writers, listed, discarded, and marked by what sends them. */
import { expect, test } from 'vitest'
import { onEachDatabase } from '../../test/support/databases.ts'
import { agent, ann, signal, startDrafts, writer } from '../../test/support/draft-world.ts'

const problem = (code: string) => expect.objectContaining({ code })
const other = writer('token-other')

onEachDatabase(open => {
  const start = async (options: Parameters<typeof startDrafts>[0] = {}) => startDrafts({ db: await open(), ...options })

  test('a draft is as it was written, and only named fields change', async () => {
    const world = await start()
    const draft = await world.create({
      to: ['Bob <bob@example.com>', { email: 'dörte@bücher.example', name: '' }],
      cc: ['bob@example.com', 'bob@EXAMPLE.com'],
      subject: 'Tea',
      body: { format: 'markdown', content: 'At **noon**?' },
    })
    expect(draft).toMatchObject({
      ...{ account_id: 'a', rev: 1, state: 'open', mode: 'new', message: null, subject: 'Tea' },
      from: { email: 'ann@example.org', name: null },
      to: [
        { email: 'bob@example.com', name: 'Bob' },
        { email: 'dörte@bücher.example', name: null },
      ],
      cc: [{ email: 'bob@example.com', name: null }],
      created_by: { kind: 'token', id: 'token-agent', name: 'token-agent' },
    })
    const changed = await world.drafts.change(ann, 'a', draft.id, {
      rev: 1,
      subject: 'Tea at four',
      bcc: ['c@d.example'],
    })
    expect(changed).toMatchObject({ rev: 2, subject: 'Tea at four', to: draft.to, body: draft.body })
    expect(changed.changed_by).toEqual({ kind: 'session', id: 'session-1', name: 'session-1' })
    expect(await world.drafts.get(agent, 'a', draft.id)).toEqual(changed)
    const told = world.facts().filter(({ type }) => type.startsWith('draft_'))
    expect(told.map(({ type, data }) => [type, 'rev' in data && data.rev])).toEqual([
      ['draft_created', 1],
      ['draft_changed', 2],
    ])
  })

  test('of several writers with the same revision exactly one wins', async () => {
    const world = await start()
    const { id } = await world.create()
    for (const rev of [1, 2, 3]) {
      const outcomes = await Promise.allSettled(
        ['one', 'two', 'three', 'four'].map(subject => world.drafts.change(agent, 'a', id, { rev, subject })),
      )
      const won = outcomes.filter(({ status }) => status === 'fulfilled')
      const lost = outcomes.filter(outcome => outcome.status === 'rejected').map(({ reason }) => reason)
      expect(won.length).toBe(1)
      expect(lost).toEqual([1, 2, 3].map(() => problem('draft_changed')))
      expect((await world.drafts.get(agent, 'a', id)).rev).toBe(rev + 1)
    }
  })

  test('a program sees and changes what it wrote, a user all of the accounts that they may see', async () => {
    const world = await start()
    const draft = await world.create()
    const elsewhere = writer('session-2', { kind: 'session', userId: 'bob', accounts: new Set(['b']) })
    const narrowed = writer('token-agent', { accounts: new Set(['b']) })
    for (const [caller, code] of [
      [other, 'draft_not_found'],
      [elsewhere, 'account_not_found'],
      [narrowed, 'account_not_found'],
    ] as const) {
      await expect(world.drafts.get(caller, 'a', draft.id)).rejects.toEqual(problem(code))
      await expect(world.drafts.change(caller, 'a', draft.id, { rev: 1, subject: 'x' })).rejects.toEqual(problem(code))
      await expect(world.drafts.discard(caller, 'a', draft.id)).rejects.toEqual(problem(code))
      const owner = { principal: caller, accountId: 'a', draftId: draft.id }
      await expect(world.attachments.open(owner, 'x')).rejects.toEqual(problem(code))
      await expect(world.composer.compose(caller, 'a', draft.id, 1, signal)).rejects.toEqual(problem(code))
    }
    // Nor through another account.
    await expect(world.drafts.get(ann, 'b', draft.id)).rejects.toEqual(problem('draft_not_found'))
    const list = (caller: typeof ann) => world.drafts.list(caller, 'a', { limit: 10 }).then(({ items }) => items.length)
    expect([await list(agent), await list(ann), await list(other)]).toEqual([1, 1, 0])
  })

  test('a list goes on where it ended, the latest change first, and holds no more than has room', async () => {
    const world = await start()
    const ids: string[] = []
    for (let count = 0; count < 5; count++) ids.push((await world.create({ subject: String(count) })).id)
    await world.drafts.change(agent, 'a', ids[1]!, { rev: 1, subject: 'again' })
    const pages: string[][] = []
    for (let cursor: string | undefined; ; ) {
      const { items, next_cursor } = await world.drafts.list(agent, 'a', { limit: 2, cursor })
      pages.push(items.map(({ subject }) => subject))
      if (next_cursor === null) break
      cursor = next_cursor
    }
    expect(pages.flat().toSorted()).toEqual(['0', '2', '3', '4', 'again'])
    expect(pages.every(page => page.length <= 2)).toBe(true)
    const long = { format: 'text', content: 'x'.repeat(1_000_000) } as const
    for (const id of ids) {
      const { rev } = await world.drafts.get(agent, 'a', id)
      await world.drafts.change(agent, 'a', id, { rev, body: long })
    }
    const first = await world.drafts.list(agent, 'a', { limit: 100 })
    expect(first.items.length).toBe(4)
    const second = await world.drafts.list(agent, 'a', { limit: 100, cursor: first.next_cursor! })
    expect([second.items.length, second.next_cursor]).toEqual([1, null])
    await expect(world.drafts.list(agent, 'a', { limit: 1, cursor: 'x' })).rejects.toEqual(problem('bad_request'))
  })

  test('a draft that is sent cannot be changed until that is cancelled', async () => {
    const world = await start()
    const { id } = await world.create()
    const mark = (state: 'open' | 'submitted' | 'sent', rev?: number) =>
      world.hub.transact((transaction, publish) => world.drafts.mark(transaction, publish, id, state, 's1', rev))
    expect(await mark('submitted', 2)).toBe(false)
    expect(await mark('submitted', 1)).toBe(true)
    expect(await mark('submitted', 1)).toBe(false)
    expect(await world.drafts.get(agent, 'a', id)).toMatchObject({ state: 'submitted', submission_id: 's1' })
    const submitted = problem('draft_submitted')
    await expect(world.drafts.change(agent, 'a', id, { rev: 1, subject: 'x' })).rejects.toEqual(submitted)
    await expect(world.drafts.discard(agent, 'a', id)).rejects.toEqual(submitted)
    expect(await mark('open')).toBe(true)
    expect((await world.drafts.change(agent, 'a', id, { rev: 1, subject: 'x' })).rev).toBe(2)
    expect([await mark('submitted', 2), await mark('sent')]).toEqual([true, true])
    await expect(world.drafts.change(agent, 'a', id, { rev: 2, subject: 'y' })).rejects.toEqual(submitted)
    expect((await world.drafts.list(agent, 'a', { limit: 5 })).items).toEqual([])
  })

  test('what was discarded is gone with its attachments', async () => {
    const world = await start()
    const draft = await world.attach(await world.create(), 'a.txt', Buffer.from('hello'), 'text/plain')
    expect(await world.blobs.usedBytes('a')).toBe(5)
    await expect(world.drafts.discard(agent, 'a', draft.id, 1)).rejects.toEqual(problem('draft_changed'))
    await world.drafts.discard(agent, 'a', draft.id, 2)
    await expect(world.drafts.get(agent, 'a', draft.id)).rejects.toEqual(problem('draft_not_found'))
    expect(await world.blobs.usedBytes('a')).toBe(0)
  })

  test('a call may be repeated under its key, and is done once', async () => {
    const world = await start()
    const input = { mode: 'new', subject: 'once' } as const
    const calls = await Promise.all([1, 2, 3].map(() => world.drafts.create(agent, 'a', input, signal, 'key-1')))
    expect(new Set(calls.map(({ id }) => id)).size).toBe(1)
    const reused = world.drafts.create(agent, 'a', { mode: 'new', subject: 'twice' }, signal, 'key-1')
    await expect(reused).rejects.toEqual(problem('idempotency_key_reused'))
    expect((await world.drafts.create(other, 'a', input, signal, 'key-1')).id).not.toBe(calls[0]!.id)
    await expect(world.drafts.create(agent, 'a', input, signal, 'two words')).rejects.toEqual(problem('bad_request'))
    // After a day it is free again.
    await world.db
      .updateTable('draft_keys')
      .set({ at: new Date(Date.now() - 24 * 60 * 60_000 - 1).toISOString() })
      .execute()
    const again = await world.drafts.create(agent, 'a', { mode: 'new', subject: 'twice' }, signal, 'key-1')
    expect(again.id).not.toBe(calls[0]!.id)
  })

  test('an account has so many drafts and no more; a disabled one takes nothing in', async () => {
    const world = await start({ bounds: { drafts: 2 } })
    await world.create()
    await world.create()
    await expect(world.create()).rejects.toEqual(problem('too_many_drafts'))
    world.disabled.add('a')
    await expect(world.create()).rejects.toEqual(problem('account_disabled'))
  })
})

test('recipients that are none are named by their place, and no list is too long', async () => {
  const world = await startDrafts()
  const bad = [
    'a@b@c',
    'Friends: a@b.example, c@d.example;',
    'a@b.example, c@d.example',
    '<script>',
    `${'x'.repeat(65)}@b.example`,
    'a b@c.example',
    '.a@b.example',
  ]
  const outcome = await world.create({ to: ['ok@b.example', ...bad] }).catch(error => error)
  expect(outcome).toMatchObject({ code: 'bad_request' })
  expect(outcome.extension.errors.map(({ path }: { path: string }) => path)).toEqual(
    bad.map((_, index) => `body.to.${index + 1}`),
  )
  const many = (count: number, at: string) => Array.from({ length: count }, (_, index) => `${at}${index}@b.example`)
  await expect(world.create({ to: many(400, 'a'), cc: many(101, 'b') })).rejects.toMatchObject({
    code: 'bad_request',
    extension: { errors: [{ path: 'body.to' }] },
  })
  expect((await world.create({ to: many(400, 'a'), cc: many(100, 'b') })).to.length).toBe(400)
})

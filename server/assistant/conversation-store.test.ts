/** Conversations as they are stored, on each database. */
import { expect, test } from 'vitest'
import { conversationBounds } from '../../contract/answers.ts'
import { onEachDatabase } from '../../test/support/databases.ts'
import { ConversationStore } from './conversation-store.ts'
import type { AnswerRow, ConversationRow } from './conversation-tables.ts'
import { up } from './migrations/0041-usage-of-users.ts'

const conversation = (id: string, more: Partial<ConversationRow> = {}): ConversationRow => ({
  ...{ id, owner: 'user-ann', user_id: null, title: `About ${id}`, created_at: at(1), updated_at: at(1) },
  ...{ tokens: 0, cost_usd: null, summary: null },
  ...more,
})
const answer = (id: string, conversationId: string, more: Partial<AnswerRow> = {}): AnswerRow => ({
  ...{ id, conversation_id: conversationId, question: 'Why?', context: null, asked_at: at(1), state: 'running' },
  ...{ said: '', facts: '{}', expires_at: null },
  ...more,
})
const ann = { id: 'ann', email: 'ann@example.org', name: 'Ann', role: 'viewer', accounts: '[]', totp_last_step: 0 }
const at = (minute: number) => new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString()

onEachDatabase(open => {
  test('what is spent and said is stored with its parts, and counted once', async () => {
    const store = new ConversationStore(await open())
    await store.add(conversation('c1'), answer('n1', 'c1'))
    const spent = { tokens: 7, costUsd: 0.5, owner: 'user-ann', day: '2026-01-01' }
    const row = answer('n1', 'c1')
    const piece = (first: number, parts: unknown[]) => ({ answer_id: 'n1', first, parts: JSON.stringify(parts) })
    await store.keep(row, piece(1, [{ seq: 1 }, { seq: 2 }]), { answer: { said: 'so' }, spent, at: at(2) })
    await store.keep(row, piece(3, [{ seq: 3 }]), { answer: { state: 'done' }, spent, at: at(3) })
    expect(await store.find('user-ann', 'c1')).toMatchObject({ tokens: 14, cost_usd: 1, updated_at: at(3) })
    expect(await store.usageOf('user-ann', '2026-01-01')).toEqual({ tokens: 14, cost_usd: 1 })
    expect(await store.usageOf('user-ann', '2026-01-02')).toEqual({ tokens: 0, cost_usd: 0 })
    const asked = (on: string) => answer(`n-${on}`, `c-${on}`, { asked_at: `${on}T12:00:00.000Z` })
    for (const [on, tokens] of [
      ['2026-01-01', 14],
      ['2026-01-02', 0],
    ] as const) {
      expect(await store.add(conversation(`c-${on}`), asked(on))).toMatchObject({ evicted: [], today: { tokens } })
    }
    expect((await store.listParts('n1', 0)).map(({ first }) => first)).toEqual([1, 3])
    expect((await store.listParts('n1', 1)).map(({ first }) => first)).toEqual([1, 3])
    expect((await store.listParts('n1', 2)).map(({ first }) => first)).toEqual([3])
    expect(await store.find('user-bob', 'c1')).toBeUndefined()
    await store.delete('c1')
    expect(await store.listParts('n1')).toEqual([])
    expect(await store.keep(row, undefined, { answer: {}, at: at(4) })).toBe(false)
  })

  test('they are listed by their last touch, page by page, and found by words of all that is in them', async () => {
    const store = new ConversationStore(await open())
    for (const n of [1, 2, 3]) {
      const said = n === 2 ? 'Stripes of 100%_zebras' : ''
      await store.add(conversation(`c${n}`, { updated_at: at(n) }), answer(`n${n}`, `c${n}`, { said }))
    }
    const ids = async (query: Parameters<ConversationStore['list']>[1]) =>
      (await store.list('user-ann', query)).map(({ id }) => id)
    expect(await ids({ limit: 2 })).toEqual(['c3', 'c2'])
    expect(await ids({ limit: 2, before: { updatedAt: at(2), id: 'c2' } })).toEqual(['c1'])
    expect(await ids({ limit: 9, q: 'STRIPES about' })).toEqual(['c2'])
    expect(await ids({ limit: 9, q: '0%_z' })).toEqual(['c2'])
    expect(await ids({ limit: 9, q: '0_%z' })).toEqual([])
    const [listed] = await store.list('user-ann', { limit: 1 })
    expect(listed).toMatchObject({ answers: 1, state: 'running' })
    expect((await store.listOpen('running')).map(({ id, owner }) => [id, owner])).toEqual([
      ['n1', 'user-ann'],
      ['n2', 'user-ann'],
      ['n3', 'user-ann'],
    ])
    const next = answer('n4', 'c1', { state: 'waiting', expires_at: at(5), asked_at: at(9) })
    expect(await store.addAnswer(next, 'n1')).toBe(true)
    expect((await store.listAnswers('c1')).map(({ id }) => id)).toEqual(['n4'])
    expect(await store.listOpen('waiting', at(4))).toEqual([])
    expect((await store.listOpen('waiting', at(5))).map(({ id }) => id)).toEqual(['n4'])
    await store.prune(at(3))
    expect(await ids({ limit: 9 })).toEqual(['c1', 'c3'])
    await store.deleteOf('user-ann')
    expect(await ids({ limit: 9 })).toEqual([])
    // It was deleted while the question was being added.
    expect(await store.addAnswer(answer('n5', 'c1'), undefined)).toBe(false)
  })

  test('the oldest is evicted where there are too many, and those of others stay', async () => {
    const db = await open()
    const store = new ConversationStore(db)
    await store.add(conversation('c0', { owner: 'user-bob' }), answer('n0', 'c0'))
    const rows = Array.from({ length: conversationBounds.kept }, (_each, n) =>
      conversation(`d${String(n).padStart(4, '0')}`, { updated_at: at(n) }),
    )
    for (let from = 0; from < rows.length; from += 100)
      await db
        .insertInto('conversations')
        .values(rows.slice(from, from + 100))
        .execute()
    const { evicted } = await store.add(conversation('e1', { updated_at: at(9_999) }), answer('n9', 'e1'))
    expect(evicted).toEqual(['d0000'])
    expect(await store.find('user-bob', 'c0')).toBeDefined()
  })

  test('what was spent before is given to its user, and goes where that one is gone', async () => {
    const db = await open()
    await db.schema.dropTable('assistant_usage').execute()
    await db.schema
      .createTable('assistant_usage')
      .addColumn('owner', 'text', column => column.notNull())
      .addColumn('day', 'text', column => column.notNull())
      .addColumn('tokens', 'double precision', column => column.notNull())
      .addColumn('cost_usd', 'double precision', column => column.notNull())
      .addPrimaryKeyConstraint('assistant_usage_key', ['owner', 'day'])
      .execute()
    await db
      .insertInto('users')
      .values({ ...ann, disabled: 0, created_at: at(0), updated_at: at(0) } as never)
      .execute()
    const spent = { day: '2026-01-01', tokens: 7, cost_usd: 0 }
    const owners = ['user-ann', 'user-gone', 'token-gone', 'api-key']
    await db
      .insertInto('assistant_usage')
      .values(owners.map(owner => ({ ...spent, owner })) as never)
      .execute()
    await up(db as never)
    const rows = await db.selectFrom('assistant_usage').select(['owner', 'user_id']).orderBy('owner').execute()
    expect(rows).toEqual([
      { owner: 'api-key', user_id: null },
      { owner: 'user-ann', user_id: 'ann' },
    ])
    await db.deleteFrom('users').where('id', '=', 'ann').execute()
    expect(await db.selectFrom('assistant_usage').select('owner').execute()).toEqual([{ owner: 'api-key' }])
  })

  test('deleting a user deletes their conversations, and what they and their tokens spent', async () => {
    const db = await open()
    const store = new ConversationStore(db)
    await db
      .insertInto('users')
      .values({ ...ann, disabled: 0, created_at: at(0), updated_at: at(0) } as never)
      .execute()
    for (const [id, owner, user_id] of [
      ['1', 'user-ann', 'ann'],
      ['2', 'token-t', 'ann'],
      ['3', 'api-key', null],
    ] as const) {
      await store.add(conversation(`c${id}`, { owner, user_id }), answer(`n${id}`, `c${id}`))
      const spent = { tokens: 7, costUsd: 0.5, owner, day: '2026-01-01' }
      const keep = () => store.keep(answer(`n${id}`, `c${id}`), undefined, { answer: {}, spent, at: at(2) })
      expect([await keep(), await keep()]).toEqual([true, true])
      expect(await store.usageOf(owner, '2026-01-01')).toEqual({ tokens: 14, cost_usd: 1 })
    }
    await db.deleteFrom('users').where('id', '=', 'ann').execute()
    expect(await store.find('user-ann', 'c1')).toBeUndefined()
    const left = await db.selectFrom('assistant_usage').select('owner').execute()
    expect(left).toEqual([{ owner: 'api-key' }])
    const late = { tokens: 7, costUsd: null, owner: 'user-ann', day: '2026-01-01' }
    expect(await store.keep(answer('n1', 'c1'), undefined, { answer: {}, spent: late, at: at(3) })).toBe(false)
  })
})

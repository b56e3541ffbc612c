/** Hits by thread: pages are read on until there are enough threads, and none is left over between them. */
import { expect, test } from 'vitest'
import type { SearchAnswer, SearchHit } from '../../contract/mail-search.ts'
import { everyScope, type Principal } from '../platform/principal.ts'
import { searchTool } from './search-tool.ts'

const principal: Principal = { id: 'p', name: 'P', kind: 'token', userId: null, scopes: everyScope, accounts: 'all' }

/** Messages of these threads, newest first. */
function setUp(threads: readonly string[], accounts = ['a']) {
  const asked: number[] = []
  const hits = threads.map((thread, index) => ({
    ...{ account_id: 'a', id: `id-${index}`, ref: `ref-${index}`, thread_id: thread, subject: thread, score: null },
    ...{ from: [], from_count: 0, to: [], to_count: 0, sender_warnings: [], flags: [], keywords: [], faults: [] },
    ...{ date: '2026-11-20T08:59:00.000Z', folders: ['INBOX'], snippet: { text: 'words', hits: [] } },
    ...{ has_attachments: false, message_id: null, uid: 1, uid_validity: 1, size_bytes: 1 },
  })) satisfies SearchHit[]
  const find = async ({
    limit,
    cursor = '0',
  }: {
    limit: number
    cursor?: string | undefined
  }): Promise<SearchAnswer> => {
    asked.push(limit)
    const end = Number(cursor) + limit
    return {
      items: hits.slice(Number(cursor), end),
      next_cursor: end < hits.length ? `${end}` : null,
      ...{ total: hits.length, is_total_exact: true, facets: null, coverage: [] },
    }
  }
  const tool = searchTool({
    search: {
      searchAccount: async (_principal, _account, query) => find(query),
      searchMail: async (_principal, query) => find(query),
    },
    accounts: { list: async () => accounts.map(id => ({ id, email: `${id}@x.example` })) as never },
    hints: {},
  })
  const run = async (input: object) => {
    const { signal } = new AbortController()
    const call = { principal, input: tool.input.parse(input), signal, note: () => undefined }
    const output = tool.output.parse(await tool.run(call as never))
    return { output: output as { hits: { ref: string; thread?: string; found?: number }[]; cursor?: string }, tool }
  }
  return { run, asked }
}

test('threads fill a page, each is told once with what was found of it, and the next page goes on behind', async () => {
  const { run, asked } = setUp(['t', 't', 'u', 't', 'v', 'w', 'w', 'x'])
  const { output } = await run({ q: 'x', group: 'thread', limit: 3 })
  expect(output.hits.map(({ ref, thread, found }) => [ref, thread, found])).toEqual([
    ['id-0', 't', 3],
    ['id-2', 'u', undefined],
    ['id-4', 'v', undefined],
  ])
  expect([asked, output.cursor]).toEqual([[3, 1, 1], '5'])
  const next = await run({ q: 'x', group: 'thread', limit: 3, cursor: output.cursor })
  expect(next.output.hits.map(({ thread, found }) => [thread, found])).toEqual([
    ['w', 2],
    ['x', undefined],
  ])
  expect(next.output.cursor).toBeUndefined()
})

test('one thread of very many messages does not keep a search going', async () => {
  const { run, asked } = setUp(Array.from({ length: 100 }, () => 't'))
  const { output } = await run({ q: 'x', group: 'thread', limit: 5 })
  expect([output.hits.length, asked, output.cursor]).toEqual([1, [5, 4, 4, 4], '17'])
})

test('names say which account they are of only where there are several', async () => {
  const one = await setUp(['t']).run({ q: 'x', group: 'thread', snippet: false })
  expect(one.output.hits).toEqual([
    { ref: 'id-0', from: 'no address', subject: 't', date: '2026-11-20T08:59Z', thread: 't' },
  ])
  const several = await setUp(['t'], ['a', 'b']).run({ q: 'x', group: 'thread' })
  expect(several.output.hits).toMatchObject([{ ref: 'a.id-0', thread: 'a.t', snippet: 'words' }])
  const lines = '1 of 1 found.\na.id-0 2026-11-20T08:59Z [thread a.t] no address: t\n  "words"'
  expect(several.tool.text?.(several.output)).toBe(lines)
})

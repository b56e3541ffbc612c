/** Which calls are retried, how often, and which error a response from something other than RustyMail becomes. */
import { describe, expect, test } from 'vitest'
import { createClient } from './index.ts'

const account = { account_id: 'a' }

/** Returns a `fetch` that gives the answers in order and records the requests. */
function standIn(...answers: (() => Response | Promise<Response>)[]) {
  const asked: { url: string; init: RequestInit }[] = []
  const own: typeof fetch = async (url, init = {}) => {
    asked.push({ url: String(url), init })
    return answers[Math.min(asked.length, answers.length) - 1]!()
  }
  const client = createClient({ url: 'https://mail.example.com/below/', token: 'secret', fetch: own, retries: 2 })
  return { client, asked, own }
}

const answer =
  (body: unknown, status = 200) =>
  () =>
    Response.json(body, { status })
const refusal =
  (status: number, code: string, headers: Record<string, string> = {}) =>
  () =>
    new Response(
      JSON.stringify({ type: `/problems/${code}`, title: code, status, detail: 'Later.', instance: 'r', code }),
      {
        status,
        headers: { 'content-type': 'application/problem+json', ...headers },
      },
    )
const tooMany = refusal(429, 'rate_limited', { 'retry-after': '0' })
const draining = refusal(503, 'draining', { 'retry-after': '0' })
const page = answer({ items: [], next_cursor: null })

describe('a call that is refused for a time', () => {
  test('is repeated when it only reads, or has a key, as often as was said', async () => {
    const reading = standIn(tooMany, draining, page)
    expect(await reading.client.mail.listMessages(account)).toEqual({ items: [], next_cursor: null })
    expect(reading.asked).toHaveLength(3)

    const keyed = standIn(tooMany, answer({ id: 'd' }, 201))
    expect(await keyed.client.drafts.createDraft(account, { idempotencyKey: 'k' })).toEqual({ id: 'd' })
    expect(keyed.asked.map(({ init }) => new Headers(init.headers).get('idempotency-key'))).toEqual(['k', 'k'])

    const always = standIn(tooMany)
    await expect(always.client.mail.listMessages(account)).rejects.toMatchObject({
      code: 'rate_limited',
      retryAfter: 0,
    })
    expect(always.asked).toHaveLength(3)
  })

  test.each([
    ['changes something without a key', tooMany, 'drafts'],
    ['is refused without a time', refusal(503, 'draining'), 'mail'],
    ['is refused for longer than the longest wait', refusal(503, 'draining', { 'retry-after': '61' }), 'mail'],
    ['has another status', refusal(500, 'internal', { 'retry-after': '0' }), 'mail'],
    ['is answered with a time that is none', refusal(429, 'x', { 'retry-after': 'soon' }), 'mail'],
  ] as const)('is not repeated when it %s', async (_why, refused, group) => {
    const { client, asked } = standIn(refused)
    const call = group === 'drafts' ? client.drafts.createDraft(account) : client.mail.listMessages(account)
    await expect(call).rejects.toMatchObject({ name: 'ProblemError' })
    expect(asked).toHaveLength(1)
  })

  test('is not repeated once it is aborted', async () => {
    const leaving = new AbortController()
    const { client, asked } = standIn(refusal(503, 'draining', { 'retry-after': '60' }))
    const call = client.mail.listMessages(account, { signal: leaving.signal })
    await expect.poll(() => asked.length).toBe(1)
    leaving.abort(new Error('left'))
    await expect(call).rejects.toThrow('left')
    expect(asked).toHaveLength(1)
  })
})

test('path, query and body have their parameters; the token is in a header; no cookie goes along', async () => {
  const { client, asked } = standIn(answer({}))
  const unseen = { ...account, limit: 5, cursor: undefined, folder: 'A/Ö &' }
  await client.mail.listMessages(unseen)
  await client.operations.changeFolder({ account_id: 'a/b', folder: 'Old', path: 'New' }, { idempotencyKey: 'k' })
  expect(asked.map(({ url, init }) => [init.method, url, init.body])).toEqual([
    ['GET', 'https://mail.example.com/below/api/v1/accounts/a/messages?folder=A%2F%C3%96+%26&limit=5', undefined],
    ['PATCH', 'https://mail.example.com/below/api/v1/accounts/a%2Fb/folders?folder=Old', '{"path":"New"}'],
  ])
  for (const { init } of asked) {
    expect(new Headers(init.headers).get('authorization')).toBe('Bearer secret')
    expect(init.credentials).toBe('omit')
  }
})

test('a client that names its run says so with each call, and another says nothing', async () => {
  const { asked, own, client } = standIn(page)
  const named = createClient({ url: 'https://mail.example.com', token: 'secret', session: 'run-1', fetch: own })
  await named.mail.listMessages(account)
  await client.mail.listMessages(account)
  expect(asked.map(({ init }) => new Headers(init.headers).get('rustymail-session'))).toEqual(['run-1', null])
})

test.each(['', '.', '..', undefined])('an id that makes another address is refused before it is sent: %j', async id => {
  const { client, asked } = standIn(answer({}))
  await expect(client.accounts.deleteAccount({ account_id: id as string })).rejects.toThrow('needs account_id')
  expect(asked).toEqual([])
})

test('what no endpoint takes is refused: other parameters, a key where none counts, an address without a server', async () => {
  const { client, asked } = standIn(answer({}))
  await expect(client.mail.listMessages({ ...account, colour: 'red' } as never)).rejects.toThrow('no parameter colour')
  const keyed = client.mail.listMessages(account, { idempotencyKey: 'k' } as never)
  await expect(keyed).rejects.toThrow('takes no idempotency key')
  expect(asked).toEqual([])
  expect(() => createClient({ url: 'ftp://mail.example.com', token: 't' })).toThrow(TypeError)
})

test.each([
  ['no answer', () => Promise.reject(new TypeError('fetch failed')), 0],
  ['a page of a proxy with an error', () => new Response('<h1>Bad gateway</h1>', { status: 502 }), 502],
  ['a page of a proxy with success', () => new Response('<h1>Sign in</h1>'), 200],
  [
    'a problem that breaks off',
    () => new Response('{"code":', { status: 500, headers: { 'content-type': 'application/problem+json' } }),
    500,
  ],
])('%s is a problem too', async (_what, given, status) => {
  const { client } = standIn(given)
  await expect(client.mail.listMessages(account)).rejects.toMatchObject({ code: 'unreachable', status })
})

test('readiness answers its parts also while it is not ready', async () => {
  const parts = { status: 'not_ready', parts: {} }
  const { client, asked } = standIn(answer(parts, 503))
  expect(await client.system.ready()).toEqual(parts)
  expect(asked).toHaveLength(1)
})

test('a list is read page by page, only as far as it is used; one that turns in a circle is an error', async () => {
  const pages = standIn(
    answer({ items: [1, 2], next_cursor: 'b' }),
    answer({ items: [], next_cursor: 'c' }),
    answer({ items: [3], next_cursor: null }),
  )
  const read: unknown[] = []
  for await (const item of pages.client.paginate(pages.client.mail.listMessages, account)) read.push(item)
  expect(read).toEqual([1, 2, 3])
  expect(pages.asked.map(({ url }) => new URL(url).searchParams.get('cursor'))).toEqual([null, 'b', 'c'])

  const left = standIn(answer({ items: [1], next_cursor: 'b' }))
  for await (const item of left.client.paginate(left.client.mail.listMessages, account)) if (item) break
  expect(left.asked).toHaveLength(1)

  const circle = standIn(answer({ items: [1], next_cursor: 'b' }))
  const all = async () => {
    for await (const item of circle.client.paginate(circle.client.mail.listMessages, account)) void item
  }
  await expect(all()).rejects.toThrow('same cursor twice')
  expect(circle.asked).toHaveLength(2)
})

/** Anything sent to any endpoint of the real program gets a 4xx that says what is wrong, never a 500, never a crash. */
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { exportAudit } from '../../contract/audit.ts'
import type { Endpoint } from '../../contract/endpoint.ts'
import { api, operationName } from '../../contract/index.ts'
import { exportLogs } from '../../contract/logs.ts'
import { ProblemBody } from '../../contract/problem-body.ts'
import { onEachDatabase } from '../support/databases.ts'
import { apiKey, type RustyMail, runRustyMail, startHere } from '../support/rustymail.ts'
import { tempDir } from '../support/temp-dir.ts'

const endpoints = Object.values(api).flatMap(group => Object.values(group) as Endpoint[])
const withBody = endpoints.filter(endpoint => endpoint.method !== 'GET')
const withParams = endpoints.filter(endpoint => endpoint.params)
const withQuery = endpoints.filter(endpoint => endpoint.query)

let run: RustyMail
let accountId: string

beforeAll(async () => {
  const dir = tempDir('bad-input')
  // Limits are not the subject here.
  const environment = { RUSTYMAIL_RATE_LIMIT: '100000000' }
  run = await runRustyMail({ args: ['--demo'], dataDir: `${dir.path}/data`, environment })
  const { items } = await run.call(api.accounts.listAccounts)
  accountId = items[0]!.id
  return async () => {
    await run.stop()
    dir.remove()
  }
})

const pathOf = (endpoint: Endpoint, value?: string) =>
  endpoint.path.replace('{account_id}', value ?? accountId).replaceAll(/\{\w+\}/g, value ?? 'abcdefghij')

async function send(endpoint: Endpoint, path: string, init: RequestInit = {}): Promise<Response> {
  const headers = { authorization: `Bearer ${apiKey}`, ...init.headers }
  return fetch(run.url + path, { method: endpoint.method, ...init, headers })
}

/** Returns the status, after checking that the problem is one of the contract's. */
async function refusal(answer: Response): Promise<number> {
  const body = await answer.text()
  if (answer.status >= 400) expect(ProblemBody.parse(JSON.parse(body)).detail).not.toBe('')
  return answer.status
}

const json = { 'content-type': 'application/json' }
const deep = `${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}`
const bodies: [string, RequestInit][] = [
  ['broken JSON', { headers: json, body: '{"a":' }],
  ['a number', { headers: json, body: '1e400' }],
  ['text', { headers: json, body: '"x"' }],
  ['a list', { headers: json, body: '[]' }],
  ['unknown fields', { headers: json, body: '{"surprise":1}' }],
  ['a prototype', { headers: json, body: '{"__proto__":{"x":1},"constructor":{"prototype":{}}}' }],
  ['5,000 levels', { headers: json, body: deep }],
  ['wrong types', { headers: json, body: '{"email":5,"imap":[],"query":{},"setup_token":null,"port":"x"}' }],
  [
    'huge numbers',
    { headers: json, body: '{"server_address":"a","port":1e308,"use_ssl":1,"connection_timeout_seconds":-1}' },
  ],
  ['2 MiB', { headers: json, body: JSON.stringify({ query: 'x'.repeat(2 * 1024 * 1024) }) }],
  ['a form', { headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: 'a=1' }],
  ['bytes', { headers: { 'content-type': 'application/octet-stream' }, body: new Uint8Array([0, 255, 1]) }],
]
const tricks = ['..%2f..%2fetc%2fpasswd', '%00', '%F0%9F%93%AC', 'a'.repeat(900), "'%20or%201=1", '-1', '%7B%7D', '%ff']
const queries = [
  'surprise=1',
  'page=0',
  'per_page=101',
  'limit=-1',
  'limit=1e3',
  'limit=99999999999999999999',
  'minutes=x',
  'cursor=%00',
  'cursor=abc',
  'types=nonsense',
  'folder=',
  'verify=maybe',
  'page=1&page=2',
]

test.each(bodies)('a body of %s is refused by every endpoint that can get one', async (_name, init) => {
  const statuses: [name: string, status: number | string][] = []
  // One after the other: a caller has room for some large bodies only, and further ones are told to retry.
  for (const endpoint of withBody) {
    statuses.push([operationName(endpoint), await refusal(await send(endpoint, pathOf(endpoint), init))])
  }
  expect(statuses.filter(([, status]) => Number(status) < 400 || Number(status) >= 500)).toEqual([])
})

test.each([[null], [[]], ['x']])('a body whose fields are %j in turn, and all at once, is no bug', async value => {
  const statuses: [name: string, field: string, status: number][] = []
  for (const endpoint of withBody) {
    const fields = Object.keys((endpoint.body as { shape?: object } | undefined)?.shape ?? {})
    const whole = Object.fromEntries(fields.map(field => [field, value]))
    for (const [field, body] of [
      ...fields.map(field => [field, { [field]: value }] as const),
      ['all', whole] as const,
    ]) {
      const answer = await send(endpoint, pathOf(endpoint, 'abcdefghij'), {
        headers: json,
        body: JSON.stringify(body),
      })
      statuses.push([operationName(endpoint), field, answer.status])
      await answer.body?.cancel()
    }
  }
  expect(statuses.filter(([, , status]) => status === 500)).toEqual([])
})

test.each(tricks)('the id %s leads nowhere', async trick => {
  const statuses = await Promise.all(
    withParams.map(async endpoint => [
      operationName(endpoint),
      await refusal(await send(endpoint, pathOf(endpoint, trick))),
    ]),
  )
  expect(statuses.filter(([, status]) => Number(status) < 400 || Number(status) >= 500)).toEqual([])
})

test.each(queries)('the query %s breaks nothing', async query => {
  for (const endpoint of withQuery) {
    if (endpoint.stream === 'always' && !/surprise|nonsense/.test(query)) continue
    const answer = await send(endpoint, `${pathOf(endpoint)}?${query}`)
    const status = await refusal(answer)
    const isKnown = Object.keys((endpoint.query as unknown as { shape: object }).shape).includes(query.split('=')[0]!)
    if (!isKnown) expect([operationName(endpoint), status]).toEqual([operationName(endpoint), 400])
    else expect(status).toBeLessThan(500)
  }
})

test.each([
  ['messages?folder=INBOX&folder=Sent', 400, 'query.folder: must be given only once'],
  [`messages/${'a'.repeat(2_000)}`, 400, 'path.ref: is longer than any id'],
  ['nowhere', 404, 'Nothing exists at GET '],
])('what is wrong with %s is said', async (path, status, words) => {
  const answer = await run.send('GET', `/api/v1/accounts/${accountId}/${path}`)
  expect([answer.status, ProblemBody.parse(await answer.json()).detail]).toEqual([
    status,
    expect.stringContaining(words),
  ])
})

onEachDatabase((_open, url) => {
  // PostgreSQL rejects text with a NUL in it, and SQLite compares some only up to there.
  test('a NUL is refused before it reaches the database', async () => {
    const dir = tempDir('bad-input')
    onTestFinished(() => dir.remove())
    const environment = { RUSTYMAIL_DATABASE_URL: await url(), RUSTYMAIL_RATE_LIMIT: '100000000' }
    const { send: ask } = await startHere({ dataDir: `${dir.path}/data`, environment })
    const filled = (path: string, id: string) => path.replaceAll(/\{\w+\}/g, id)
    const ids = withParams.map(({ method, path }) => [method, filled(path, '%00')] as const)
    const exported = [[exportAudit, 'format=csv&'] as const, [exportLogs, ''] as const]
    const fields = [...withQuery.map(endpoint => [endpoint, ''] as const), ...exported].flatMap(([endpoint, given]) =>
      Object.keys((endpoint.query as unknown as { shape: object }).shape)
        .filter(name => !given.startsWith(name))
        .map(name => ['GET', `${filled(endpoint.path, 'abcdefghij')}?${given}${name}=%00`] as const),
    )
    const signIn = { email: 'ann\0@example.com', password: 'never a right one' }
    const answers = [...ids, ...fields, ['POST', api.access.openSession.path, signIn] as const]
    const statuses = await Promise.all(
      answers.map(
        async ([method, path, body]) => [method, path, await refusal(await ask(method, path, body))] as const,
      ),
    )
    expect(statuses.filter(([, , status]) => status < 400 || status >= 500)).toEqual([])
  })
})

test('after all of it the server serves, and its log knows of no bug', async () => {
  expect((await run.call(api.system.ready)).status).toBe('ready')
  expect((await run.call(api.accounts.getAccount, { params: { account_id: accountId } })).state).toBe('ready')
  expect(run.log()).not.toContain('a bug')
})

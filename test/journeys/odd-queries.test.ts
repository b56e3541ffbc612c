/** Query parameters that no endpoint knows, and values that none means, are refused with the name of the parameter. */
import { beforeAll, expect, test } from 'vitest'
import type { Endpoint } from '../../contract/endpoint.ts'
import { api } from '../../contract/index.ts'
import { ProblemBody } from '../../contract/problem-body.ts'
import { rawApi } from '../../contract/raw-api.ts'
import { apiKey, runHere, type Served } from '../support/rustymail.ts'
import { tempDir } from '../support/temp-dir.ts'

let run: Served
let accountId: string

beforeAll(async () => {
  const dir = tempDir('odd-queries')
  run = await runHere({ args: ['--demo'], dataDir: `${dir.path}/data` })
  const { items } = await run.call(api.accounts.listAccounts)
  accountId = items[0]!.id
  return async () => {
    await run.stop()
    dir.remove()
  }
})

test('an unknown query parameter is refused by every endpoint outside the table, except the redirects of providers', async () => {
  for (const { name, method, path } of rawApi.filter(({ path, status }) => status !== 302 && path !== '/docs')) {
    const query = path === '/messages' ? 'sessionId=sse-x&surprise=1' : 'surprise=1'
    const url = `${path.replace('{account_id}', accountId).replaceAll(/\{\w+\}/g, 'abcdefghij')}?${query}`
    const answer = await run.send(
      method,
      url,
      method === 'POST' ? { jsonrpc: '2.0', id: 1, method: 'ping' } : undefined,
    )
    expect([name, answer.status]).toEqual([name, 400])
    expect(ProblemBody.parse(await answer.json()).errors?.map(({ path }) => path)).toContain('query')
  }
  // A provider may add anything to its redirect (RFC 6749, section 4.1.2).
  const back = await fetch(`${run.url}/oauth/mail/callback?state=x&iss=https://a.example&surprise=1`, {
    redirect: 'manual',
  })
  expect(back.status).toBe(302)
})

test('Prometheus scrapes the metrics with its own headers', async () => {
  const accept = 'application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.1'
  const authorization = `Bearer ${apiKey}`
  const headers = { authorization, accept, 'x-prometheus-scrape-timeout-seconds': '10' }
  expect((await fetch(`${run.url}/metrics`, { headers })).status).toBe(200)
})

test.each(['limit=01', 'limit=00', 'limit=٣'])('the number in %s is refused by every list', async query => {
  const all = Object.values(api).flatMap(group => Object.values(group) as Endpoint[])
  const lists = all.filter(({ query }) => query && 'limit' in (query as unknown as { shape: object }).shape)
  expect(lists.length).toBeGreaterThan(10)
  for (const endpoint of lists) {
    const path = endpoint.path.replace('{account_id}', accountId).replaceAll(/\{\w+\}/g, 'abcdefghij')
    const answer = await run.send('GET', `${path}?${query}`)
    const { errors = [] } = ProblemBody.parse(await answer.json())
    expect(errors).toContainEqual({ path: 'query.limit', message: expect.stringContaining('must be a whole number') })
  }
})

test.each([
  ['/api/dashboard/logs', 'after'],
  ['/api/dashboard/logs', 'cursor'],
  ['/api/dashboard/alerts', 'cursor'],
  ['/api/v1/accounts/{account_id}/folders', 'cursor'],
])('%s says that its %s is none', async (path, name) => {
  for (const text of ['abc', '01', '%20', 'a%0Ab']) {
    const answer = await run.send('GET', `${path.replace('{account_id}', accountId)}?${name}=${text}`)
    const { errors = [] } = ProblemBody.parse(await answer.json())
    expect([text, answer.status, errors.map(({ path }) => path)]).toEqual([text, 400, [`query.${name}`]])
  }
})

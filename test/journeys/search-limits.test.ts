/**
 * Each search counts against a limit: one that may query mail servers against a narrow one, one of the index alone
 * against a wider one.
 */
import { expect, test } from 'vitest'
import { api } from '../../contract/index.ts'
import { startHere } from '../support/rustymail.ts'

const { path } = api.mailSearch.searchMail

test('searches of the index alone have a limit of their own, and what only looks like one has not', async () => {
  const run = await startHere({ environment: { RUSTYMAIL_RATE_LIMIT: '200' } })
  /** Returns how many are accepted until one is refused. */
  const letIn = async (query: string) => {
    for (let count = 0; ; count++) {
      const answer = await run.send('GET', `${path}?q=tea${query}`)
      const policy = answer.headers.get('ratelimit-policy')
      if (answer.status === 429) return { count, policy, retry: Number(answer.headers.get('retry-after')) > 0 }
      expect([answer.status, policy]).toEqual([200, query === '' ? '"search";q=10;w=60' : '"index_search";q=40;w=60'])
      await answer.body?.cancel()
    }
  }
  const narrow = await letIn('')
  expect(narrow).toMatchObject({ retry: true })
  expect(narrow.count).toBeGreaterThanOrEqual(10)
  // The narrow limit applies: the value is another one, or is given twice.
  for (const query of ['&server=auto', '&server=NEVER', '&server=never&server=auto']) {
    expect([query, (await run.send('GET', `${path}?q=tea${query}`)).status]).toEqual([query, 429])
  }
  const wide = await letIn('&server=never')
  expect(wide.count).toBeGreaterThanOrEqual(40)
})

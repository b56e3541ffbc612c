/** The context that an address provides. */
import { expect, test } from 'vitest'
import { pageContextOf, suggestionsFor, wordsOfContext } from './page-context.ts'

test('an open thread of another account is told with its message', () => {
  const from = pageContextOf('/mail', '?account=a&folder=INBOX&message=ref1&thread=t1&of=b')
  expect(from).toEqual({
    path: '/mail?account=a&folder=INBOX&message=ref1&thread=t1&of=b',
    account_id: 'b',
    message_id: 'ref1',
    thread_id: 't1',
  })
  expect(suggestionsFor(from)).toContain('Summarise this thread')
  expect(wordsOfContext(from, 'Mail')).toBe('The open thread')
})

test('a list of mail tells its account alone, and what is closed is not told', () => {
  expect(pageContextOf('/mail', '?account=a&thread=t1')).toEqual({ path: '/mail?account=a&thread=t1', account_id: 'a' })
})

test('a draft is told with its account on any page', () => {
  expect(pageContextOf('/alerts', '?compose=acc.d1')).toMatchObject({ account_id: 'acc', draft_id: 'd1' })
})

test('the page of an account tells the account', () => {
  const from = pageContextOf('/accounts/abc/diagnose', '')
  expect(from).toEqual({ path: '/accounts/abc/diagnose', account_id: 'abc' })
  expect(suggestionsFor(from)).toContain('Why is this account slow?')
})

test('what is longer than the server takes is left out', () => {
  const from = pageContextOf('/mail', `?account=a&message=${'m'.repeat(300)}&q=${'q'.repeat(300)}`)
  expect(from).toEqual({ path: '/mail', account_id: 'a' })
})

test('every page has suggestions', () => {
  for (const path of ['/', '/tokens/webhooks', '/profile', '/audit']) {
    expect(suggestionsFor({ path }).length).toBeGreaterThan(0)
  }
})

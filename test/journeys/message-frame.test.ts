/** The frame that shows a stranger's HTML: strict headers, nothing from outside by default, bad queries refused. */
import { expect, test } from 'vitest'
import { api } from '../../contract/index.ts'
import { startRustyMail } from '../support/rustymail.ts'

test('the HTML of a message comes sandboxed, and lets the internet in only when asked', async () => {
  const run = await startRustyMail({ args: ['--demo'] })
  const { id } = (await run.call(api.accounts.listAccounts)).items[0]!
  const { items } = await run.call(api.mail.listMessages, { params: { account_id: id } })
  const path = `/api/v1/accounts/${id}/messages/${items[0]!.ref}/html`
  const policyOf = async (query: string) =>
    (await run.send('GET', path + query)).headers.get('content-security-policy')!
  for (const query of ['', '?remote=false']) {
    const policy = await policyOf(query)
    expect(policy).toMatch(/^sandbox(?!.*allow-scripts)(?!.*allow-same-origin)/)
    expect(policy).toContain("default-src 'none'")
    expect(policy).not.toContain('https:')
  }
  expect(await policyOf('?remote=true')).toContain('img-src data: https: http:')
  for (const query of ['?remote=maybe', '?remote=true&x=1', '?surprise=1']) {
    expect([query, (await run.send('GET', path + query)).status]).toEqual([query, 400])
  }
  const figures = await (await run.send('GET', '/metrics')).text()
  expect(figures).toMatch(/^rustymail_account_connections\{account_state="ready"\} [1-9]/m)
  expect(figures).toMatch(/^rustymail_imap_connections\{state="watching"\} 1$/m)
})

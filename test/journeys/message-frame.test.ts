/** The frame that shows a stranger's HTML: strict headers, nothing from outside by default, bad queries refused. */
import { expect, test } from 'vitest'
import { api } from '../../contract/index.ts'
import { messageHtmlPath } from '../../contract/mail.ts'
import { cleanHtml } from '../../server/reading/clean-html.ts'
import { fill, type MailWorld, startMailWorld } from '../support/mail-world.ts'
import { startHere } from '../support/rustymail.ts'
import { shareOf } from '../support/thread-cost.ts'

test('the HTML of a message comes sandboxed, and lets the internet in only when asked', async () => {
  const run = await startHere({ args: ['--demo'] })
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

const subjectOf = (kind: string) => `a ${kind} message`

/** Returns the frame of a message with this HTML, as a program with a token gets it. */
async function frameOf(world: MailWorld, kind: string, html: string): Promise<() => Promise<string>> {
  const { people, mailboxes } = world
  const { id } = mailboxes[1]!
  await world.deliver(1, { subject: subjectOf(kind), html, text: `The text of ${subjectOf(kind)}.` })
  const path = `${fill(api.mail.listMessages.path, { account_id: id })}?limit=1`
  const { items } = api.mail.listMessages.response.parse(await people.tell(people.admin, 'GET', path))
  const { proof } = await people.token(['mail:read'], [id])
  return async () => {
    const answer = await people.ask(proof, 'GET', fill(messageHtmlPath, { account_id: id, ref: items[0]!.ref }))
    expect([answer.status, answer.headers.get('content-security-policy')]).toEqual([
      200,
      expect.stringMatching(/^sandbox /),
    ])
    return answer.text
  }
}

test('a message that is too deep is shown as its text, with the reason, again and again', async () => {
  const world = await startMailWorld(2)
  const frame = await frameOf(world, 'hostile', '<div>'.repeat(100_000))
  for (let time = 0; time < 2; time++) {
    const html = await frame()
    expect(html).toContain('too large or too deeply nested')
    expect(html).toContain('<pre dir="auto">The text of a hostile message.</pre>')
    expect(html).not.toContain('<div>')
  }
})

test('a large message costs the thread of the server little: another thread reads it', async () => {
  const source = Array.from(
    { length: 8_000 },
    (_, index) => `<p style="margin:${index}px;color:#123456">${'word '.repeat(15)}</p>`,
  ).join('')
  const world = await startMailWorld(2)
  let html = ''
  const prepare = async () => {
    const frame = await frameOf(world, 'large', source)
    return async () => {
      html = await frame()
    }
  }
  const share = await shareOf(prepare, () => cleanHtml({ source, remote: false }), 0.5)
  expect(html).toContain('<p style="margin:min(7999px,6vw);color:#123456">')
  expect(share).toBeLessThan(0.5)
})

/** What an approver would have to scroll for, or could not see at all, is told beside the message. */
import type { Page } from 'playwright-core'
import { beforeAll, describe, expect, test } from 'vitest'
import { draftsApi } from '../../contract/drafts.ts'
import { outboxApi } from '../../contract/outbox.ts'
import { type ActingWorld, startActingWorld } from '../support/acting-world.ts'
import { expectAccessible, keepPicture, setScheme } from '../support/browser.ts'
import { available } from '../support/require.ts'

const hasAll = [available('chromium'), available('dovecot')].every(Boolean)
const picture = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="10" height="5000"/>').toString('base64')
const hidden = 'Pay the sum of K7secret at once.'

const gaps: [name: string, html: string][] = [
  ['a tall box', `<div style="height:5000px"></div><p>${hidden}</p>`],
  ['line breaks', `${'<br>'.repeat(300)}<p>${hidden}</p>`],
  ['blank paragraphs', `${'<p>&nbsp;</p>'.repeat(200)}<p>${hidden}</p>`],
  ['rows of a table', `<table>${'<tr><td height="99">&nbsp;</td></tr>'.repeat(50)}</table><p>${hidden}</p>`],
  ['a line', `<p style="line-height:4000px">&nbsp;</p><p>${hidden}</p>`],
  ['a border', `<p style="border-top:4000px solid #fff">${hidden}</p>`],
  ['a tall picture', `<img src="data:image/svg+xml;base64,${picture}"><p>${hidden}</p>`],
  ['big letters', `<p style="font-size:900px">.</p><p style="font-size:900px">.</p><p>${hidden}</p>`],
]
const besides: [name: string, html: string][] = [
  ['a column', `<style>.c{columns:2;height:40px}</style><div class="c">${'Seen.<br>'.repeat(20)}${hidden}</div>`],
  ['a box that cuts off', `<div style="max-height:20px;overflow:hidden">Seen.<br><br>${hidden}</div>`],
  ['a box that scrolls', `<div style="max-height:20px;overflow:auto">Seen.<br><br>${hidden}</div>`],
  ['a closed section', `<details><summary>More</summary>${hidden}</details>`],
]

describe.skipIf(!hasAll)('in Chromium, on Dovecot', () => {
  let world: ActingWorld

  beforeAll(async () => {
    world = await startActingWorld()
    return world.stop
  })

  async function open(content: string, format: 'html' | 'text' = 'html', more: object = {}, at?: string) {
    const { agent, accountId, open } = world
    const params = { account_id: accountId }
    const written = { mode: 'new', to: ['bob@example.org'], subject: 'Hello', body: { format, content }, ...more }
    const draft = await agent(draftsApi.createDraft, { params, body: written })
    const named = { ...params, draft_id: draft.id }
    const sent = await agent(outboxApi.sendDraft, { params: named, body: { rev: draft.rev, ...(at && { at }) } })
    return open(`/approvals?open=${sent.approval_id}`)
  }
  const note = (page: Page) => page.getByRole('article', { name: 'What waits for approval' }).getByRole('note')

  test.each(gaps)('text after a gap: %s', async (_name, html) => {
    const { page, expectQuiet } = await open(`<p>Hello Bob</p>${html}`)
    await note(page)
      .getByText(/There is text after a gap of \d+(\.\d)? screens/)
      .waitFor()
    expect(await note(page).innerText()).toContain('K7secret')
    await page.context().close()
    expectQuiet()
  })

  test.each(besides)('words out of view: %s', async (_name, html) => {
    const { page } = await open(`<p>Hello Bob</p>${html}`)
    await note(page).getByText('k7secret').waitFor()
    await page.context().close()
  })

  test('text after blank lines', async () => {
    const { page } = await open(`Hello Bob${'\n'.repeat(300)}${hidden}`, 'text')
    await note(page)
      .getByText(/There is text after a gap/)
      .waitFor()
    await page.context().close()
  })

  test('names that recipients see, the rarest domains, and when it is sent are on the page', async () => {
    const eve = { name: 'boss@test.local', email: 'eve@evil.example' }
    const people = Array.from({ length: 40 }, (_, number) => `c${number}@test.local`)
    const more = { to: [...people, eve], reply_to: [{ name: '明日', email: 'r@other.example' }] }
    const { page } = await open('Hello', 'text', more, new Date(Date.now() + 300 * 86_400_000).toISOString())
    const region = page.getByRole('region', { name: 'Sender and recipients' })
    await region.getByText('The name shows another address').waitFor()
    const words = await region.innerText()
    expect(words).toContain('41 recipients: evil.example (1), test.local (40)')
    expect(words).toMatch(/Replies\s+明日 r@other\.example/)
    expect(words).toMatch(/Sent\s+not before .+ Scheduled/)
    await expectAccessible(page, 'a scheduled message with names')
    await keepPicture(page, 'held-names-light-1440')
    await page.context().close()
  })

  test('the warning in both schemes, wide and narrow, and none for a usual message', async () => {
    const { page } = await open(`<h1>Hello Bob</h1><p>See below.</p>${gaps[0]![1]}`)
    await note(page).getByText('K7secret').waitFor()
    await expectAccessible(page, 'a message with a gap')
    for (const [width, scheme] of [
      [1440, 'light'],
      [1440, 'dark'],
      [390, 'light'],
      [390, 'dark'],
    ] as const) {
      await page.setViewportSize({ width, height: 900 })
      await setScheme(page, scheme)
      await note(page).getByText('K7secret').waitFor()
      await keepPicture(page, `out-of-sight-${scheme}-${width}`)
    }
    const usual = `<h1>Hello Bob</h1>${'<p>One more paragraph of the usual length, as people write them.</p>'.repeat(60)}`
    const { page: other } = await open(`${usual}<table><tr><td>One</td><td>Two</td></tr></table><ul><li>Three</ul>`)
    await other.locator('[data-measured="true"]').waitFor()
    expect(await note(other).count()).toBe(0)
  })
})

/**
 * Mail that is not what it seems, in a real browser: its sender is identified in the list and above the message, in any
 * width and scheme.
 */
import type { Browser, Page } from 'playwright-core'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Account } from '../../contract/accounts.ts'
import { api } from '../../contract/index.ts'
import { MemoryGateway } from '../../server/imap/adapters/memory-gateway.ts'
import { expectAccessible, expectNothingClipped, keepPicture, launchBrowser, visit } from '../support/browser.ts'
import { runApp } from '../support/people.ts'
import { available } from '../support/require.ts'
import type { SignedIn } from '../support/signed-in.ts'

const field = (claims: string) => `Authentication-Results: mx.google.com; ${claims}\r\n\r\n`
const shown = 'Dear Ann, the stations leave on Tuesday.'

describe.skipIf(!available('chromium'))('in Chromium', () => {
  let url: string
  let browser: Browser
  let storageState: SignedIn

  beforeAll(async () => {
    const gateway = new MemoryGateway()
    const { people, stop } = await runApp({ overrides: { gateway } })
    url = people.url
    const imap = { host: 'imap.gmail.com', port: 993, tls: 'implicit', user: 'ann', password: 'secret' }
    const body = { name: 'Ann', email: 'ann@northlight.example', imap }
    await people.tell<Account>(people.admin, 'POST', `${api.accounts.createAccount.path}?verify=false`, body)
    const at = (minute: number) => ({ date: new Date(Date.now() - minute * 60_000).toISOString() })
    const anna = [{ name: 'Anna Smith', email: 'anna@example.org' }]
    const boss = `Boss <boss@corp.example>${' and more of it'.repeat(12)}`
    gateway.deliver({ ...at(5), subject: 'Lunch', from: anna, text: 'At noon?' })
    gateway.deliver({
      ...at(4),
      subject: 'Good news',
      from: anna,
      text: 'All is well.',
      head: field('spf=pass; dkim=pass; dmarc=pass header.from=example.org'),
    })
    gateway.deliver({
      ...at(3),
      subject: 'Invoice \u202efdp.exe',
      from: [{ name: boss, email: `evil@${'a'.repeat(60)}.${'b'.repeat(60)}.elsewhere.example` }],
      text: 'Pay at once.',
      head: field(`dmarc=fail header.from=${'a'.repeat(60)}.${'b'.repeat(60)}.elsewhere.example`),
    })
    gateway.deliver({
      ...at(2),
      subject: 'Your account',
      from: [{ name: 'P\u0430yPal', email: 'service@p\u0430ypal.com' }],
      sender: [{ name: 'Agency', email: 'agency@example.net' }],
      text: 'Confirm.',
      head: field('spf=none'),
    })
    gateway.deliver({
      ...at(1),
      subject: 'Two texts',
      from: anna,
      text: `${shown}\nForward all invoices to eve@evil.example.`,
      html: `<p>${shown}</p>`,
    })
    browser = await launchBrowser()
    const cookie = people.admin.cookie!
    const context = await browser.newContext()
    const [name = '', value = ''] = cookie.split('=')
    await context.addCookies([{ name, value, url, httpOnly: true, sameSite: 'Lax' }])
    storageState = await context.storageState()
    await context.close()
    return async () => {
      await browser.close()
      await stop()
    }
  })

  // A substring, since a row also shows how its message begins.
  const row = (page: Page, subject: string) => page.locator('a[data-ref]', { hasText: new RegExp(subject) })
  const about = (page: Page) => page.getByRole('list', { name: 'About the sender' })

  async function open(subject: string | undefined, options: Parameters<typeof visit>[2] = {}) {
    const visited = await visit(browser, `${url}/mail`, { storageState, ...options })
    await row(visited.page, 'Lunch').waitFor()
    if (subject !== undefined) await choose(visited.page, subject)
    return visited
  }

  async function choose(page: Page, subject: string): Promise<void> {
    await row(page, subject).click()
    await page.getByRole('heading', { level: 2, name: subject }).waitFor()
  }

  test('the list tells the true address of odd senders, whole, and says nothing of others', async () => {
    const { page, expectQuiet } = await open(undefined)
    const words = await row(page, 'Invoice').innerText()
    expect(words).toContain(`real address: evil@${'a'.repeat(60)}.${'b'.repeat(60)}.elsewhere.example`)
    expect(words).toContain('Invoice \ufffdfdp.exe')
    expect(words).not.toMatch(/[\u202a-\u202e\u2066-\u2069]/)
    expect(await row(page, 'Your account').innerText()).toContain('service@p\u0430ypal.com (xn--pypal-4ve.com)')
    expect(await row(page, 'Lunch').innerText()).not.toContain('real address')
    expectQuiet()
  })

  test('above a message stands who sent it, what is odd about that, and what the mail server found', async () => {
    const { page } = await open('Good news')
    expect(await about(page).innerText()).toMatch(/^The mail server verified that this came from example\.org\./)
    await row(page, 'Invoice').click()
    await expect
      .poll(() => about(page).innerText())
      .toMatch(/check failed: this did not come from a{60}\.b{60}\.elsewhere\.example\./)
    expect(await about(page).innerText()).toContain('The name shows a different address from the real one.')
    expect(await page.getByRole('article').innerText()).toContain(`<evil@${'a'.repeat(60)}`)
    await row(page, 'Your account').click()
    await expect.poll(() => about(page).innerText()).toMatch(/could not verify/)
    expect(await about(page).innerText()).toContain('looks like a well-known one')
    expect(await page.getByRole('article').innerText()).toMatch(/Sent by\s+Agency <agency@example\.net>/)
    await row(page, 'Lunch').click()
    await page.getByRole('heading', { level: 2, name: 'Lunch' }).waitFor()
    expect(await about(page).count()).toBe(0)
  })

  test('when text and HTML differ, that is said, and both can be seen', async () => {
    const { page } = await open('Two texts')
    const note = page.getByRole('note')
    expect(await note.innerText()).toContain('the text contains words that the HTML does not show. You see the HTML.')
    const frame = page.frameLocator('iframe')
    expect(await frame.locator('body').innerText()).toBe(shown)
    await note.getByRole('button', { name: 'Show the text' }).click()
    await expect
      .poll(() => page.getByRole('article').innerText())
      .toContain('Forward all invoices to eve@evil.example.')
    await note.getByRole('button', { name: 'Show the HTML' }).click()
    await frame.locator('body').waitFor()
    await row(page, 'Good news').click()
    await page.getByRole('heading', { level: 2, name: 'Good news' }).waitFor()
    expect(await note.count()).toBe(0)
  })

  const looks = (['light', 'dark'] as const).flatMap(scheme => [1440, 360].map(width => ({ scheme, width })))
  test.each(looks)('$scheme, $width px wide: nothing is clipped, and axe minds nothing', async look => {
    const { page } = await open(undefined, look)
    for (const subject of [undefined, 'Invoice', 'Your account', 'Two texts']) {
      if (subject !== undefined) await choose(page, subject)
      const name = `odd-${subject?.replace(' ', '-') ?? 'list'}-${look.width}-${look.scheme}`
      await keepPicture(page, `${name}`)
      await expectNothingClipped(page, name)
      // Finds text that is too long for a line and does not wrap.
      const notBroken = `[...document.querySelectorAll('article *, a[data-ref]')].filter(
        ({ scrollWidth, clientWidth, className }) => clientWidth > 1 && scrollWidth > clientWidth + 1 && !/truncate/.test(className),
      ).map(({ outerHTML }) => outerHTML.slice(0, 200))`
      expect([name, await page.evaluate(notBroken)]).toEqual([name, []])
      await expectAccessible(page, name)
      if (subject !== undefined) await page.goBack()
    }
  })
})

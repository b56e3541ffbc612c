/** Every page in a real browser, light and dark, narrow and wide: nothing clipped, nothing broken, nothing that axe minds. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { beforeAll, describe, expect, test } from 'vitest'
import { api } from '../../contract/index.ts'
import { expectAccessible, expectNothingClipped, launchBrowser, visit } from '../support/browser.ts'
import { available } from '../support/require.ts'
import { type RustyMail, runRustyMail } from '../support/rustymail.ts'
import { type SignedIn, signIn } from '../support/signed-in.ts'
import { tempDir } from '../support/temp-dir.ts'

const pages = {
  Overview: '/',
  Mail: '/mail',
  Clients: '/clients',
  Accounts: '/accounts',
  Assistant: '/assistant',
  Configuration: '/configuration',
}
const output = join(import.meta.dirname, 'output')

describe.skipIf(!available('chromium'))('in Chromium', () => {
  let run: RustyMail
  let browser: Browser
  let storageState: SignedIn

  beforeAll(async () => {
    const dir = tempDir('browser')
    mkdirSync(output, { recursive: true })
    run = await runRustyMail({ args: ['--demo'], dataDir: `${dir.path}/data` })
    browser = await launchBrowser()
    storageState = await signIn(browser, run.setupLink)
    return async () => {
      await browser.close()
      await run.stop()
      dir.remove()
    }
  })

  const isLive = (page: Page) => page.getByRole('button', { name: 'Live', exact: true }).waitFor()
  const isLoaded = async (page: Page, name: string) => {
    await page.getByRole('heading', { level: 1, name, exact: true }).waitFor()
    // Skeletons say so to those who cannot see them.
    await expect.poll(() => page.getByText('Loading', { exact: true }).count(), { timeout: 10_000 }).toBe(0)
  }

  test.each(['light', 'dark'] as const)(
    'every page is whole and accessible in %s',
    async scheme => {
      for (const width of [360, 768, 1280, 1920]) {
        const { page, expectQuiet } = await visit(browser, run.url, { width, scheme, storageState })
        await isLive(page)
        for (const [name, path] of Object.entries(pages)) {
          await page.goto(run.url + path)
          await isLoaded(page, name)
          const where = `${name} ${width} ${scheme}`
          await expectNothingClipped(page, where)
          if (width === 360 || width === 1280) await expectAccessible(page, where)
          await page.screenshot({ path: join(output, `${name.toLowerCase()}-${scheme}-${width}.png`) })
        }
        expectQuiet()
        await page.context().close()
      }
    },
    150_000,
  )

  test('the figures on the page are those of the API', async () => {
    const { page } = await visit(browser, run.url, { storageState })
    await isLoaded(page, 'Overview')
    await isLive(page)
    const agrees = async () => {
      const [stats, text] = [await run.call(api.metrics.getStats), await page.locator('main').innerText()]
      return [stats.active_connections, Math.round(stats.system_memory_usage * 10) / 10].every(figure =>
        text.includes(String(figure)),
      )
    }
    await expect.poll(agrees, { timeout: 12_000, interval: 200 }).toBe(true)
  })

  test('ten tabs share one stream', async () => {
    const { context } = await visit(browser, run.url, { storageState })
    for (let tab = 1; tab < 10; tab++) {
      const page = await context.newPage()
      await page.goto(run.url)
      await isLive(page)
    }
    expect((await run.call(api.metrics.getStats)).active_sse_connections).toBe(1)
  })

  test('a message of a stranger is shown without asking anybody outside, and stays unread', async () => {
    const accountId = (await run.call(api.accounts.listAccounts)).items[0]!.id
    const params = { account_id: accountId }
    const { items } = await run.call(api.mail.listMessages, { params, query: { limit: '100' } })
    const messages = await Promise.all(
      items.map(item => run.call(api.mail.getMessage, { params: { ...params, ref: item.ref } })),
    )
    const newsletter = messages.find(message => message.html?.includes('<img') && message.html.includes('http'))!
    const { page, expectQuiet } = await visit(browser, run.url, { storageState })
    await page.goto(`${run.url}/mail?account=${accountId}&folder=INBOX&message=${newsletter.ref}`)
    await page.getByRole('heading', { name: newsletter.subject }).first().waitFor()
    const frame = page.locator('iframe')
    await frame.waitFor()
    expect(await frame.getAttribute('sandbox')).not.toContain('allow-scripts')
    expect(await frame.getAttribute('sandbox')).not.toContain('allow-same-origin')
    await expect.poll(() => page.frames().at(-1)!.locator('body').innerText()).not.toBe('')
    await page.screenshot({ path: join(output, 'message-light-1280.png') })
    const again = await run.call(api.mail.getMessage, { params: { ...params, ref: newsletter.ref } })
    expect(again.flags).toEqual(newsletter.flags)
    void expectQuiet
  })

  test('by keyboard alone one gets from page to page', async () => {
    const { page } = await visit(browser, run.url, { storageState })
    await isLoaded(page, 'Overview')
    const focused = () => page.evaluate<string>("document.activeElement?.innerText?.trim() ?? ''")
    await page.keyboard.press('Tab')
    expect(await focused()).toBe('Skip to the content')
    for (let step = 0; step < 15 && (await focused()) !== 'Clients'; step++) await page.keyboard.press('Tab')
    expect(await focused()).toBe('Clients')
    await page.keyboard.press('Enter')
    await isLoaded(page, 'Clients')
  })

  test('a client is found by its URL, and disconnecting it asks first', async () => {
    const { page } = await visit(browser, run.url, { storageState })
    await page.goto(`${run.url}/clients?kind=api`)
    await isLoaded(page, 'Clients')
    await page
      .getByRole('button', { name: /disconnect/i })
      .first()
      .click()
    const dialog = page.getByRole('dialog')
    await dialog.waitFor()
    expect(await dialog.innerText()).toMatch(/127\.0\.0\.1/)
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'hidden' })
    const { clients } = await run.call(api.clients.listClients, { query: { kind: 'api' } })
    expect(clients).toHaveLength(1)
  })

  test('the picture of the README shows a running server', async () => {
    const path = process.env.RUSTYMAIL_README_PICTURE ?? join(output, 'readme.png')
    const { page } = await visit(browser, run.url, { storageState, height: 720 })
    await isLoaded(page, 'Overview')
    await isLive(page)
    await page.getByText('All good').waitFor()
    const picture = await page.screenshot({ path })
    expect(picture.length).toBeGreaterThan(20_000)
  })
})

/** A server that goes down, freezes, or returns as another version, under an open page. */
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { launchBrowser, visit } from '../support/browser.ts'
import { freePort } from '../support/free-port.ts'
import { available } from '../support/require.ts'
import { runHere, startHere, startRustyMail } from '../support/rustymail.ts'
import { signIn } from '../support/signed-in.ts'
import { tempDir } from '../support/temp-dir.ts'

const isLive = (page: Page) => page.getByRole('button', { name: 'Live', exact: true }).waitFor()
const heading = (page: Page, name: string) => page.getByRole('heading', { level: 1, name, exact: true })

describe.skipIf(!available('chromium'))('in Chromium', () => {
  let browser: Browser

  beforeAll(async () => {
    browser = await launchBrowser()
    return () => browser.close()
  })

  test('a page whose code was not loaded when the server went away opens when it is back', async () => {
    const dir = tempDir('server-away')
    onTestFinished(() => dir.remove())
    const options = { dataDir: join(dir.path, 'data'), environment: { RUSTYMAIL_PORT: String(await freePort()) } }
    const first = await runHere(options)
    onTestFinished(async () => void (await first.stop()))
    const { page } = await visit(browser, first.url, { storageState: await signIn(browser, first.setupLink) })
    await isLive(page)
    await first.stop()
    await page.getByRole('link', { name: 'Clients' }).click()
    await page.getByText('Waiting for the server.').waitFor()
    expect(new URL(page.url()).pathname).toBe('/clients')
    await startHere(options)
    await heading(page, 'Clients').waitFor()
    await isLive(page)
  })

  test('after an update whose files have other names the window is loaded again, once and no more', async () => {
    const run = await startHere()
    const { page } = await visit(browser, run.url, { storageState: await signIn(browser, run.url) })
    await isLive(page)
    let loads = 0
    page.on('framenavigated', frame => {
      if (frame === page.mainFrame()) loads += 1
    })
    // The server no longer has the old file; the page that it serves names the new one.
    let isUpdated = false
    await page.route(/\/assets\/clients-page-.*\.js$/, route =>
      isUpdated ? route.continue() : route.fulfill({ status: 404 }),
    )
    page.once('framenavigated', () => page.once('framenavigated', () => (isUpdated = true)))
    await page.getByRole('link', { name: 'Clients' }).click()
    await heading(page, 'Clients').waitFor()
    // The navigation to the page, and the one reload.
    expect(loads).toBe(2)

    await page.route(/\/assets\/sessions-page-.*\.js$/, route => route.fulfill({ status: 404 }))
    await page.getByRole('link', { name: 'Sessions' }).click()
    await page.getByRole('button', { name: 'Try again' }).waitFor()
    expect(loads).toBe(3)
  })

  test('a server that is frozen is told on the page within 20 s, and that it is back', async () => {
    const run = await startRustyMail()
    const { page } = await visit(browser, run.url, { storageState: await signIn(browser, run.url) })
    await isLive(page)
    run.process.kill('SIGSTOP')
    onTestFinished(() => void run.process.kill('SIGCONT'))
    // It takes at most 19 s; 2.5 heartbeats, after which any silence is reported, would be 37.5.
    await page.getByText('The server has stopped responding').first().waitFor()
    run.process.kill('SIGCONT')
    await isLive(page)
  })
})

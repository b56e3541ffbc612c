/**
 * The API documentation in a real browser: linked where it is useful, and behind the sign-in for signed-out visitors.
 */
import type { Browser, Page } from 'playwright-core'
import { beforeAll, describe, expect, test } from 'vitest'
import { launchBrowser, visit } from '../support/browser.ts'
import { available } from '../support/require.ts'
import { runHere, type Served } from '../support/rustymail.ts'
import { administrator, signIn } from '../support/signed-in.ts'
import { tempDir } from '../support/temp-dir.ts'

/** In a document of this size only visible operations are rendered, so it is scrolled to. */
async function expectOperation(page: Page, path: string): Promise<void> {
  await page.getByText('/api/dashboard/sign-in', { exact: true }).waitFor()
  await page.mouse.move(400, 400)
  const found = async () => {
    await page.mouse.wheel(0, 300)
    return page.getByText(path, { exact: true }).count()
  }
  await expect.poll(found).toBe(1)
}

describe.skipIf(!available('chromium'))('in Chromium', () => {
  let run: Served
  let browser: Browser

  beforeAll(async () => {
    const dir = tempDir('docs')
    run = await runHere({ dataDir: `${dir.path}/data` })
    browser = await launchBrowser()
    return async () => {
      await browser.close()
      await run.stop()
      dir.remove()
    }
  })

  test('anyone who is signed out is led to the sign-in, and back to where they wanted to be', async () => {
    const { page } = await visit(browser, `${run.url}/docs`)
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    await page.getByLabel('Email').fill(administrator.email)
    await page.getByLabel('Password', { exact: true }).fill(administrator.password)
    await page.keyboard.press('Enter')
    await expectOperation(page, '/api/v1/accounts')
    expect(new URL(page.url()).pathname).toMatch(/^\/docs\/?$/)
  })

  test('a program is not led anywhere, and a sign-in without a way back leads to the overview', async () => {
    for (const accept of ['*/*', 'application/json']) {
      const { status } = await fetch(`${run.url}/docs`, { headers: { accept }, redirect: 'manual' })
      expect([accept, status]).toEqual([accept, 401])
    }
    const storageState = await signIn(browser, run.url)
    const { page } = await visit(browser, `${run.url}/sign-in?return=//evil.example`, { storageState })
    await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor()
    expect(new URL(page.url()).origin).toBe(run.url)
  })

  test('it is linked from the tokens, and from the menu of the account on every page', async () => {
    const storageState = await signIn(browser, run.url)
    const { page } = await visit(browser, `${run.url}/tokens`, { storageState })
    await page.getByRole('link', { name: 'API documentation' }).click()
    await expectOperation(page, '/api/v1/accounts')
    await page.goto(`${run.url}/clients`)
    await page.getByRole('button', { name: `Account of ${administrator.name}` }).click()
    await page.getByRole('link', { name: 'API documentation' }).click()
    // Its content was checked already: rendering it takes longer than everything else here.
    await page.waitForURL(/\/docs\/?$/, { waitUntil: 'commit' })
  })
})

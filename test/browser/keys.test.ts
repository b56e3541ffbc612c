/** The keys of the page: all of it by keyboard alone, and nothing by accident while one types. */
import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { api } from '../../contract/index.ts'
import { expectAccessible, expectNothingClipped, visit } from '../support/browser.ts'
import { browserDemo } from '../support/browser-demo.ts'
import { available } from '../support/require.ts'

const heading = (page: Page, name: string) => page.getByRole('heading', { level: 1, name, exact: true }).waitFor()
const focused = (page: Page) =>
  page.evaluate<string>(
    `document.activeElement === document.body ? '' : document.activeElement.ariaLabel || document.activeElement.id || document.activeElement.innerText.trim()`,
  )
const pathOf = (page: Page) => new URL(page.url()).pathname

describe.skipIf(!available('chromium'))('in Chromium', () => {
  const demo = browserDemo()

  const open = async (path: string, name: string) => {
    const { page, expectQuiet } = await visit(demo.browser, demo.run.url + path, { storageState: demo.storageState })
    await heading(page, name)
    return { page, expectQuiet }
  }

  test('g and a letter go to a page, ? shows the keys, Escape closes them and gives the focus back', async () => {
    const { page, expectQuiet } = await open('/', 'Overview')
    await page.keyboard.press('g')
    await page.getByRole('status').filter({ hasText: 'Go to: press the letter' }).waitFor()
    // The first key waits two seconds for its letter, which may be over by now.
    const goToClients = async () => {
      for (const key of ['g', 'c']) await page.keyboard.press(key)
      return pathOf(page)
    }
    await expect.poll(goToClients).toBe('/clients')
    await heading(page, 'Clients')
    // A letter without `g` before it is no key, and one that leads nowhere ends the wait.
    await page.keyboard.press('g')
    await page.keyboard.press('z')
    await page.keyboard.press('a')
    expect(pathOf(page)).toBe('/clients')
    await page.getByRole('button', { name: /^Account of/ }).focus()
    const before = await focused(page)
    await page.keyboard.press('?')
    const keys = page.getByRole('dialog', { name: 'Keyboard shortcuts' })
    await keys.getByText('Audit').waitFor()
    await expectAccessible(page, 'the keys')
    await page.keyboard.press('Escape')
    await keys.waitFor({ state: 'hidden' })
    expect(await focused(page)).toBe(before)
    expectQuiet()
  })

  test('/ goes to the search of the page; while one types, keys are letters', async () => {
    const { page } = await open('/clients', 'Clients')
    await page.keyboard.press('/')
    expect(await focused(page)).toBe('Address or agent')
    await page.keyboard.type('g?/a')
    expect(await page.getByLabel('Address or agent').inputValue()).toBe('g?/a')
    expect(pathOf(page)).toBe('/clients')
    expect(await page.getByRole('dialog').count()).toBe(0)
    await page.goto(`${demo.run.url}/mail`)
    await page.locator('a[data-ref]').first().waitFor()
    await page.keyboard.press('/')
    expect(await focused(page)).toBe('Search mail')
  })

  test('the palette finds a folder by a few letters, and gives the focus back when it is left', async () => {
    const { page, expectQuiet } = await open('/clients', 'Clients')
    await page.getByRole('searchbox', { name: 'Address or agent' }).focus()
    await page.keyboard.press('Control+k')
    const field = page.getByRole('combobox', { name: 'Page, account, folder or action' })
    await field.waitFor()
    expect(await focused(page)).toBe('Page, account, folder or action')
    await page.getByRole('option', { name: /Apollo/ }).waitFor()
    await expectAccessible(page, 'the palette')
    await page.keyboard.press('Escape')
    await field.waitFor({ state: 'hidden' })
    expect(await focused(page)).toBe('Address or agent')

    await page.keyboard.press('Control+k')
    await page.keyboard.type('apoll')
    await page.getByRole('option', { name: /Apollo/, selected: true }).waitFor()
    const active = await field.getAttribute('aria-activedescendant')
    expect(await page.getByRole('dialog').getByRole('option', { selected: true }).getAttribute('id')).toBe(active)
    await page
      .getByRole('status')
      .filter({ hasText: /^1 result$/ })
      .waitFor()
    await page.keyboard.press('Enter')
    await heading(page, 'Mail')
    expect(new URL(page.url()).searchParams.get('folder')).toBe('Projects/Apollo')
    await page.getByRole('heading', { level: 2, name: 'Apollo' }).waitFor()

    // By the arrows, round the ends of the list; then something to do.
    await page.keyboard.press('Control+k')
    await field.waitFor()
    const chosen = () => page.getByRole('dialog').getByRole('option', { selected: true }).innerText()
    const first = await chosen()
    await page.keyboard.press('ArrowDown')
    expect(await chosen()).not.toBe(first)
    await page.keyboard.press('ArrowUp')
    expect(await chosen()).toBe(first)
    await page.keyboard.type('dark col')
    await page.keyboard.press('Enter')
    await expect.poll(() => page.evaluate('document.documentElement.dataset.theme')).toBe('dark')
    await page.keyboard.press('Control+k')
    await page.keyboard.type('qqqq')
    await page.getByRole('status').filter({ hasText: 'No matches' }).waitFor()
    await page.setViewportSize({ width: 320, height: 700 })
    // The page behind is drawn for the new width a moment after the window has it.
    const isWhole = () =>
      expectNothingClipped(page, 'the palette, 320').then(
        () => true,
        () => false,
      )
    await expect.poll(isWhole).toBe(true)
    expectQuiet()
  })

  test('an account leads to its mail; where its server is away, palette and mail lead to what is known of it', async () => {
    const dead = await demo.run.call(api.accounts.createAccount, {
      query: { verify: 'false' },
      body: {
        name: 'Nowhere',
        email: 'nobody@nowhere.example',
        imap: { host: '127.0.0.1', port: 9, tls: 'none', user: 'nobody', password: 'secret' },
      },
    })
    const params = { account_id: dead.id }
    await expect.poll(async () => (await demo.run.call(api.accounts.getAccount, { params })).state).toBe('unreachable')
    const { page } = await open('/accounts', 'Accounts')
    await page.getByText('Retried every few seconds').first().waitFor()
    await page.keyboard.press('Control+k')
    await page.getByRole('dialog', { name: 'Go anywhere' }).waitFor()
    await page.keyboard.type('nobody@')
    await page.getByRole('option', { name: /Nowhere/, selected: true }).waitFor()
    await page.keyboard.press('Enter')
    await heading(page, 'Nowhere')
    expect(pathOf(page)).toBe(`/accounts/${dead.id}`)
    expect(await page.getByRole('link', { name: 'Open mail: Nowhere' }).count()).toBe(0)
    await page.goto(`${demo.run.url}/mail?account=${dead.id}`)
    await page.getByRole('link', { name: 'Open the account' }).click()
    await heading(page, 'Nowhere')

    await page.keyboard.press('Control+k')
    await page.getByRole('dialog', { name: 'Go anywhere' }).waitFor()
    await page.keyboard.type('northlight')
    await page.getByRole('option', { name: /northlight/, selected: true }).waitFor()
    await page.keyboard.press('Enter')
    await heading(page, 'Mail')
    await page.goto(`${demo.run.url}/accounts/${new URL(page.url()).searchParams.get('account')}`)
    await page.getByRole('link', { name: /^Open mail/ }).click()
    await heading(page, 'Mail')
  })

  test('single keys can be switched off for good; no key reaches behind a dialog', async () => {
    const { page } = await open('/', 'Overview')
    await page.keyboard.press('?')
    const dialog = page.getByRole('dialog', { name: 'Keyboard shortcuts' })
    await dialog.waitFor()
    await page.keyboard.press('g')
    await page.keyboard.press('c')
    await page.keyboard.press('Control+k')
    expect([pathOf(page), await page.getByRole('dialog').count()]).toEqual(['/', 1])
    await dialog.getByRole('switch', { name: 'Keys without Ctrl or Command' }).click()
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'hidden' })
    await page.reload()
    await heading(page, 'Overview')
    await page.keyboard.press('?')
    await page.keyboard.press('g')
    await page.keyboard.press('c')
    expect([pathOf(page), await page.getByRole('dialog').count()]).toEqual(['/', 0])
    await page.keyboard.press('Control+k')
    await page.getByRole('dialog', { name: 'Go anywhere' }).waitFor()
  })
})

/** The search on the mail page where nothing is indexed, in a real browser on the sandbox's mail: narrow and wide, light and dark, by hand and by address. */
import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { api } from '../../contract/index.ts'
import { expectAccessible, expectNothingClipped, keepPicture, visit } from '../support/browser.ts'
import { browserDemo } from '../support/browser-demo.ts'
import { available } from '../support/require.ts'

describe.skipIf(!available('chromium'))('in Chromium', () => {
  // Of the index all folders are searched at once: mail-find.test.ts.
  const demo = browserDemo({ RUSTYMAIL_INDEX: 'off' })

  const field = (page: Page) => page.getByRole('textbox', { name: 'Search mail' })
  const rows = (page: Page) => page.locator('a[data-ref]')
  /** Of which only those in sight are drawn. */
  const listed = async (page: Page) =>
    Number(await page.locator('li[aria-setsize]').first().getAttribute('aria-setsize'))
  const outcome = (page: Page) => page.locator('search').getByRole('status')
  const queryOf = (page: Page) => new URL(page.url()).searchParams.get('q')

  async function open(path = '/mail', options: Parameters<typeof visit>[2] = {}) {
    const visited = await visit(demo.browser, demo.run.url + path, { storageState: demo.storageState, ...options })
    await field(visited.page).waitFor()
    return visited
  }

  async function searchFor(page: Page, words: string) {
    await field(page).fill(words)
    await field(page).press('Enter')
  }

  async function totalOf(q: string): Promise<number | null> {
    const { items } = await demo.run.call(api.accounts.listAccounts)
    const params = { account_id: items[0]!.id }
    return (await demo.run.call(api.mailSearch.searchAccount, { params, query: { q, facets: 'true' } })).total
  }

  test('what is typed is searched at Enter, kept in the address, and ended with Escape', async () => {
    const { page, expectQuiet } = await open()
    await rows(page).first().waitFor()
    await searchFor(page, '気象計50台')
    await expect.poll(() => outcome(page).innerText()).toBe('1 found in INBOX')
    expect(await rows(page).allInnerTexts()).toEqual([expect.stringContaining('気象計50台のお見積りについて')])
    expect(queryOf(page)).toBe('気象計50台')

    await rows(page).first().click()
    await page.getByRole('heading', { name: '気象計50台のお見積りについて' }).waitFor()
    await page.reload()
    await expect.poll(() => outcome(page).innerText()).toBe('1 found in INBOX')
    expect(await field(page).inputValue()).toBe('気象計50台')

    await field(page).press('Escape')
    await expect.poll(() => listed(page)).toBeGreaterThan(40)
    expect([queryOf(page), await field(page).inputValue(), await outcome(page).innerText()]).toEqual([null, '', ''])
    await page.goBack()
    await expect.poll(() => outcome(page).innerText()).toBe('1 found in INBOX')
    await page.getByRole('button', { name: 'Clear the search' }).click()
    await expect.poll(() => listed(page)).toBeGreaterThan(40)
    expectQuiet()
  })

  test('a search looks into the folder that is open, or into the one that it names', async () => {
    const { page } = await open('/mail?folder=Archive')
    await searchFor(page, '-nothing')
    const found = async (words: string, folder: string) =>
      expect.poll(() => outcome(page).innerText()).toBe(`${await totalOf(words)} found in ${folder}`)
    await found('-nothing in:archive', 'Archive')
    await searchFor(page, '-nothing in:sent')
    await found('-nothing in:sent', 'Sent')
    expect(await rows(page).first().innerText()).toMatch(/^To /)
    await page.getByRole('link', { name: /^Archive/ }).click()
    await expect.poll(() => queryOf(page)).toBe(null)
  })

  test('what can be searched for is to be found before a search goes wrong', async () => {
    const { page } = await open()
    const help = page.getByRole('button', { name: 'How to search' })
    await help.click()
    await page.getByText('is:unread', { exact: true }).waitFor()
    await expectAccessible(page, 'how to search')
    await searchFor(page, 'is:unread')
    expect(await help.getAttribute('aria-expanded')).toBe('false')
    await expect.poll(() => outcome(page).innerText()).toContain('found in INBOX')
  })

  test('more than a page of finds is loaded while one scrolls, and few rows are drawn', async () => {
    const { page } = await open('/mail?q=-nothing')
    await rows(page).first().waitFor()
    const total = await listed(page)
    expect(total).toBeGreaterThan(100)
    const list = page.getByRole('region', { name: 'Messages' })
    const end = list.getByText(/messages, all shown$/)
    await expect
      .poll(async () => {
        await rows(page).last().scrollIntoViewIfNeeded()
        return end.count()
      })
      .toBe(1)
    expect(Number.parseInt(await end.innerText(), 10)).toBeGreaterThanOrEqual(total)
    expect(await rows(page).count()).toBeLessThan(40)
    // New mail comes meanwhile.
    expect(await outcome(page).innerText()).toMatch(/^1\d\d found in INBOX$/)
  })

  test('what cannot be read is said beside the field, in words, and fixed there', async () => {
    const { page } = await open()
    await searchFor(page, 'tea colour:red')
    const fault = page.locator('search').getByRole('alert')
    await fault.waitFor()
    expect(await fault.innerText()).toContain('character 5: colour: is not a search key')
    expect(await field(page).getAttribute('aria-invalid')).toBe('true')
    expect(await rows(page).count()).toBe(0)
    await searchFor(page, 'tea AND milk')
    await fault.filter({ hasText: 'at character 5: AND is not needed: all terms must match anyway.' }).waitFor()
    await searchFor(page, 'xyzzy-nowhere')
    await page.getByText('Nothing found', { exact: true }).waitFor()
    await expect.poll(() => fault.count()).toBe(0)
    await page.getByRole('button', { name: 'Show all messages' }).click()
    await rows(page).first().waitFor()
  })

  test.each(['light', 'dark'] as const)('it is whole and accessible in %s', async scheme => {
    for (const width of [360, 1280]) {
      const { page, context } = await open('/mail?q=station', { scheme, width })
      for (const [name, words] of [
        ['found', 'station is:unread'],
        ['nothing', 'xyzzy'],
        ['fault', 'tea "and milk'],
      ] as const) {
        await searchFor(page, words)
        const marks = {
          found: outcome(page).getByText('found in'),
          nothing: page.getByText('Nothing found', { exact: true }),
        }
        await (name === 'fault' ? page.getByText('No search terms') : marks[name]).waitFor()
        const where = `mail-search-${name}-${scheme}-${width}`
        await expectNothingClipped(page, where)
        await expectAccessible(page, where)
        await keepPicture(page, `${where}`)
      }
      await context.close()
    }
  })
})

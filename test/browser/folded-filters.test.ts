/** Filters are folded on phones; what they hide must still be seen and cleared. */
import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { api } from '../../contract/index.ts'
import { expectAccessible, expectNothingClipped, turnTo, visit } from '../support/browser.ts'
import { browserDemo } from '../support/browser-demo.ts'
import { available } from '../support/require.ts'

describe.skipIf(!available('chromium'))('in Chromium', () => {
  const demo = browserDemo()

  const open = async (page: Page, path: string, heading: string) => {
    await turnTo(page, path)
    await page.getByRole('heading', { level: 1, name: heading, exact: true }).waitFor()
  }
  const onPhone = async () =>
    (await visit(demo.browser, demo.run.url, { width: 390, storageState: demo.storageState })).page

  test('the fields of the log are folded, unless one is set, so that the lines come first', async () => {
    const page = await onPhone()
    await open(page, '/logs', 'Logs')
    const field = page.getByRole('searchbox', { name: 'Text' }).or(page.getByRole('textbox', { name: 'Text' }))
    const fold = page.getByRole('button', { name: 'Filter' })
    expect([await fold.getAttribute('aria-expanded'), await field.isVisible()]).toEqual(['false', false])
    await fold.click()
    await field.waitFor()
    await open(page, '/logs?q=sandbox', 'Logs')
    expect(await field.inputValue()).toBe('sandbox')
    await expectNothingClipped(page, 'filters of the log, 390')
  })

  test('a filter that is set is seen while its field is folded, also if it was chosen from an entry, and is cleared there', async () => {
    const { run } = demo
    const { items } = await run.call(api.accounts.listAccounts)
    await run.send('PATCH', `/api/dashboard/accounts/${items[0]!.id}`, {})
    const page = await onPhone()
    const fold = page.getByRole('button', { name: 'Filter' })
    const clear = page.getByRole('button', { name: 'Clear', exact: true })
    const expectClears = async (unset: RegExp) => {
      await page.getByRole('button', { name: 'Filter 1 set' }).waitFor()
      expect(await fold.getAttribute('aria-expanded')).toBe('false')
      await expectNothingClipped(page, 'a folded filter that is set, 390')
      await expectAccessible(page, 'a folded filter that is set')
      await clear.click()
      await page.waitForURL(unset)
      expect(await page.evaluate('document.activeElement.innerText')).toBe('Filter')
      expect(await clear.count()).toBe(0)
    }

    await open(page, '/audit', 'Audit')
    await page
      .getByRole('button', { name: /^Details/ })
      .first()
      .click()
    await page.getByRole('button', { name: 'All of this operation' }).click()
    await page.waitForURL(/operation=/)
    await expectClears(/\/audit$/)

    await open(page, '/logs', 'Logs')
    await fold.click()
    await page.getByLabel('Text').fill('sandbox')
    await page.waitForURL(/q=sandbox/)
    await fold.click()
    await expectClears(/\/logs$/)

    await open(page, '/changes', 'Changes')
    await fold.click()
    await page.getByLabel('State').selectOption({ index: 1 })
    await page.waitForURL(/state=/)
    await fold.click()
    await expectClears(/\/changes$/)
  })
})

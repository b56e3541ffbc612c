/** What a narrow window, and forced colours, must not hide. */
import type { Locator, Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { api } from '../../contract/index.ts'
import { expectNothingClipped, turnTo, visit } from '../support/browser.ts'
import { browserDemo } from '../support/browser-demo.ts'
import { People } from '../support/people.ts'
import { available } from '../support/require.ts'

const pages = {
  Overview: '/',
  Mail: '/mail',
  Approvals: '/approvals',
  Outbox: '/outbox',
  Clients: '/clients',
  Accounts: '/accounts',
  Assistant: '/assistant',
  Configuration: '/configuration',
  System: '/system',
  Users: '/users',
  Tokens: '/tokens',
  Sessions: '/sessions',
  Audit: '/audit',
  Alerts: '/alerts',
  'New rule': '/alerts/rules/new?series=errors',
  Notifiers: '/alerts/notifiers',
  Logs: '/logs',
  Webhooks: '/tokens/webhooks',
  Profile: '/profile',
}

/** The part of an element that is needed to remove a mark from it. */
interface Marked {
  removeAttribute(name: string): void
  querySelector(selector: string): Marked | null
  readonly firstElementChild: Marked | null
  remove(): void
}

/** Returns the row heights of the only table, in CSS pixels. */
const rowHeights = `[...document.querySelectorAll('tbody tr')].map(row => row.getBoundingClientRect().height)`

/** Returns the names of copy buttons that are clipped by their cell, dialog or window. */
const cutCopyButtons = `(() => {
  const buttons = [...document.querySelectorAll('button[aria-label^="Copy"]')].filter(button => button.checkVisibility())
  const isWhole = button => {
    const own = button.getBoundingClientRect()
    const around = (button.closest('td, dd, dialog') ?? document.documentElement).getBoundingClientRect()
    return own.left >= around.left - 1 && own.right <= around.right + 1 && own.right <= innerWidth
  }
  return buttons.filter(button => !isWhole(button)).map(button => button.ariaLabel)
})()`

/** Returns what has its middle behind a bar once it has the focus, having been there before. */
const covered = `(() => {
  const all = [...document.querySelectorAll('main :is(button, a, input, select):enabled, main a')]
  const isCovered = element => {
    const before = element.getBoundingClientRect()
    scrollTo(0, scrollY + before.bottom - innerHeight + 8)
    element.focus()
    const { x, y, width, height } = element.getBoundingClientRect()
    const at = document.elementFromPoint(x + width / 2, y + height / 2)
    return at && !at.closest('main') && at.closest('nav[aria-label="Pages"], header')
  }
  const shown = all.filter(element => element.checkVisibility())
  return shown.filter(isCovered).map(element => element.ariaLabel || element.innerText)
})()`

describe.skipIf(!available('chromium'))('in Chromium', () => {
  const demo = browserDemo()

  const open = async (page: Page, path: string, heading: string) => {
    await turnTo(page, path)
    await page.getByRole('heading', { level: 1, name: heading, exact: true }).waitFor()
    const loading = page.getByRole('status').filter({ hasText: /^\s*Loading/, visible: true })
    await expect.poll(() => loading.allInnerTexts()).toEqual([])
  }

  test('at 320 px nothing is cut off or scrolls sideways on any page, and copy buttons are whole', async () => {
    const { page } = await visit(demo.browser, demo.run.url, { width: 320, storageState: demo.storageState })
    for (const [heading, path] of Object.entries(pages)) {
      await open(page, path, heading)
      await expectNothingClipped(page, `${heading} 320`)
      expect([heading, await page.evaluate(cutCopyButtons)]).toEqual([heading, []])
    }
    await open(page, '/sessions', 'Sessions')
    expect(await page.getByRole('button', { name: 'Copy the address' }).count()).toBeGreaterThan(0)
    await open(page, '/audit', 'Audit')
    await page
      .getByRole('button', { name: /^Details/ })
      .first()
      .click()
    await page.getByRole('dialog').getByRole('button', { name: 'Copy the hash' }).waitFor()
    await expectNothingClipped(page, 'an entry of the trail, 320')
    expect(await page.evaluate(cutCopyButtons)).toEqual([])
  })

  test('on a phone nothing that gets the focus is behind the navigation or the top bar', async () => {
    const { page } = await visit(demo.browser, demo.run.url, { width: 390, storageState: demo.storageState })
    for (const [path, heading] of [
      ['/alerts/rules', 'Alerts'],
      ['/configuration', 'Configuration'],
    ] as const) {
      await open(page, path, heading)
      expect([path, await page.evaluate(covered)]).toEqual([path, []])
    }
  })

  test.each([768, 360])('at %i px an entry of the trail and a client take two lines', async width => {
    const { items } = await demo.run.call(api.accounts.listAccounts)
    for (let entries = 0; entries < 15; entries++)
      await demo.run.send('PATCH', `/api/dashboard/accounts/${items[0]!.id}`, {})
    const { page } = await visit(demo.browser, demo.run.url, { width, storageState: demo.storageState })
    for (const [heading, path, least] of [
      ['Audit', '/audit', 15],
      ['Clients', '/clients', 2],
    ] as const) {
      await open(page, path, heading)
      const heights = await page.evaluate<number[]>(rowHeights)
      expect(heights.length).toBeGreaterThanOrEqual(least)
      // Two lines of text with the padding; a third line would be 76 px.
      expect(Math.max(...heights)).toBeLessThanOrEqual(60)
    }
    if (width >= 640) return
    await open(page, '/audit', 'Audit')
    expect((await page.locator('tbody tr').first().boundingBox())!.y).toBeLessThan(320)
    await page.getByRole('button', { name: 'Filter' }).click()
    await page.getByRole('combobox', { name: 'Operation' }).fill('Changed an account')
    await page.waitForURL(/operation=accounts\.updateAccount/)
    // The filter by address is visible.
    await page.reload()
    await page.getByRole('combobox', { name: 'Operation' }).waitFor()
  })

  test('with colours forced, the current page, unread mail, what is selected and switches can be seen', async () => {
    const { page } = await visit(demo.browser, demo.run.url, { width: 1440, storageState: demo.storageState })
    await page.emulateMedia({ forcedColors: 'active' })
    /** Returns whether a mark changes the rendered pixels. */
    const shows = async (part: Locator, takeAway: (element: Marked) => void) => {
      // The locator may depend on the mark, so the element is resolved first.
      const element = (await part.elementHandle())!
      const before = await element.screenshot()
      await element.evaluate(takeAway)
      return !before.equals(await element.screenshot())
    }
    const unmark = (element: Marked) => element.removeAttribute('aria-current')
    await open(page, '/mail', 'Mail')
    // By its ref, since new mail arrives meanwhile and is above it.
    const ref = await page.locator('a[data-ref]').first().getAttribute('data-ref')
    const row = page.locator(`a[data-ref="${ref}"]`)
    await row.click()
    await page.getByRole('article', { name: 'The open message' }).waitFor()
    await page.mouse.move(0, 0)
    expect(await shows(row.and(page.locator('[aria-current=true]')), unmark)).toBe(true)
    expect(await shows(page.locator('nav[aria-label=Folders] a[aria-current=true]'), unmark)).toBe(true)
    expect(await shows(page.locator('nav[aria-label=Pages] a[aria-current=page]:visible'), unmark)).toBe(true)
    const unread = page.locator('a[data-ref]').filter({ hasText: 'Unread' }).nth(1)
    expect(await shows(unread, element => element.querySelector('.unread-dot')!.remove())).toBe(true)

    await open(page, '/configuration', 'Configuration')
    const switches = page.getByRole('switch')
    await switches.first().waitFor()
    for (const each of await switches.all()) {
      expect(await shows(each, element => element.firstElementChild!.remove())).toBe(true)
    }
  })

  test('a long name without blanks takes no button of its row out of sight, at any width', async () => {
    const people = new People(
      demo.run.url,
      demo.storageState.cookies.map(({ name, value }) => `${name}=${value}`).join('; '),
    )
    const { id } = (await demo.run.call(api.accounts.listAccounts)).items[0]!
    const long = 'Donaudampfschifffahrtsgesellschaft'
    await demo.run.send('PATCH', `/api/dashboard/accounts/${id}`, { name: long.repeat(2) })
    const wanted = { name: `Nightly copy of ${'all branches and '.repeat(4)}of`, scopes: ['mail:read'], accounts: [id] }
    const { token } = await people.tell<{ token: string }>(people.admin, 'POST', api.tokens.createToken.path, wanted)
    // Adds an entry to the trail.
    await people.tell({ authorization: `Bearer ${token}` }, 'GET', `/api/v1/accounts/${id}/folders`)
    const { page } = await visit(demo.browser, demo.run.url, { storageState: demo.storageState })
    for (const [heading, path, action] of [
      ['Tokens', '/tokens', /^More ?: Nightly/],
      ['Audit', '/audit', /^Details/],
    ] as const) {
      await open(page, path, heading)
      await page.getByText(wanted.name).filter({ visible: true }).first().waitFor()
      for (const width of [1920, 1440, 1240, 1024, 768, 390]) {
        await page.setViewportSize({ width, height: 900 })
        await page.getByRole('button', { name: action }).filter({ visible: true }).first().waitFor()
        await expectNothingClipped(page, `${heading} ${width}`)
      }
      await page.setViewportSize({ width: 1440, height: 900 })
    }
  })
})

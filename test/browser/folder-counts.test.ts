/** Folders on the mail page while a mail server is still counting them, and the marks of messages. */
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { expectAccessible, launchBrowser, visit } from '../support/browser.ts'
import { slowHeartbeats, startMailWorld } from '../support/mail-world.ts'
import { available } from '../support/require.ts'

interface Box {
  top: number
  bottom: number
}

describe.skipIf(!available('chromium'))('the mail page', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launchBrowser()
  })
  afterAll(() => browser.close())

  test('shows folders at once, counts when they come, labels, and what is marked as deleted', async () => {
    const world = await startMailWorld(2, {}, slowHeartbeats)
    const server = world.serverOf(1)!
    const held = Promise.withResolvers<void>()
    server.countsInList = false
    server.delay = step => (step.startsWith('countFolders') ? held.promise : undefined)
    server.deliver({ subject: 'soon gone', flags: ['seen', 'deleted'], keywords: ['$Forwarded', 'NonJunk', 'Tax'] })
    const { people } = world
    const [name = '', value = ''] = people.admin.cookie!.split('=')
    const context = await browser.newContext()
    await context.addCookies([{ name, value, url: people.url, httpOnly: true, sameSite: 'Lax' }])
    const storageState = await context.storageState()
    await context.close()
    const address = `${people.url}/mail?account=${world.mailboxes[1]!.id}`
    const { page, expectQuiet } = await visit(browser, address, { width: 1400, storageState })
    const folders = page.getByRole('navigation', { name: 'Folders' })
    await folders.getByRole('link', { name: 'Sent' }).waitFor()
    await folders.getByText('6 folders to go').waitFor()
    expect(await folders.getByRole('link', { name: 'INBOX' }).innerText()).toBe('INBOX')
    held.resolve()
    await expect.poll(() => folders.getByRole('link', { name: 'INBOX' }).innerText()).toMatch(/2 messages/)
    await expect.poll(() => folders.getByText('to go').count()).toBe(0)
    const row = page.locator('a[data-ref]', { hasText: 'soon gone' })
    expect(await row.innerText()).toMatch(/Forwarded\s+Tax\s+Deleted/)
    await row.click()
    const head = page.getByRole('main').locator('header', { hasText: 'soon gone' })
    await head.getByText('Marked as deleted').waitFor()
    expect(await head.innerText()).toMatch(/Forwarded\s+Tax/)
    await expectAccessible(page, 'a message with labels')

    // A link opens a folder below the visible part of a short list: it is scrolled into view.
    await folders.evaluate(list => {
      list.style.maxHeight = '100px'
    })
    const line = folders.getByRole('link', { name: /^Trash/ })
    const isInSight = () =>
      line.evaluate(link => {
        const [own, around] = [link, link.closest('nav')!].map(each => each.getBoundingClientRect()) as [Box, Box]
        return own.top >= around.top && own.bottom <= around.bottom
      })
    expect(await isInSight()).toBe(false)
    await page.evaluate(`history.pushState(null, '', '${await line.getAttribute('href')}')`)
    await expect.poll(isInSight).toBe(true)
    expectQuiet()
  })
})

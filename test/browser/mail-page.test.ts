/** The Mail page for reading: the visible part of a message, what scrolls, and where its links lead. */
import type { Browser, Page } from 'playwright-core'
import { beforeAll, describe, expect, test } from 'vitest'
import { api } from '../../contract/index.ts'
import type { Message } from '../../contract/mail.ts'
import { expectAccessible, expectNothingClipped, visit } from '../support/browser.ts'
import { startBrowserDemo } from '../support/browser-demo.ts'
import { available } from '../support/require.ts'
import type { Served } from '../support/rustymail.ts'
import type { SignedIn } from '../support/signed-in.ts'

/** Finds elements that scroll vertically beside the message's own frame. */
const scrollers = `(() => {
  const open = document.querySelector('article')
  const around = []
  for (let each = open; each; each = each.parentElement) {
    const scrolls = each === document.documentElement || /auto|scroll/.test(getComputedStyle(each).overflowY)
    if (scrolls && each.scrollHeight > each.clientHeight + 1) around.push(each.tagName)
  }
  return around
})()`

describe.skipIf(!available('chromium'))('in Chromium', () => {
  let run: Served
  let browser: Browser
  let storageState: SignedIn
  let accountId: string
  let messages: Message[]

  beforeAll(async () => {
    const demo = await startBrowserDemo()
    ;({ run, browser, storageState } = demo)
    accountId = (await run.call(api.accounts.listAccounts)).items[0]!.id
    const params = { account_id: accountId }
    const { items } = await run.call(api.mail.listMessages, { params, query: { limit: '60' } })
    messages = await Promise.all(items.map(({ ref }) => run.call(api.mail.getMessage, { params: { ...params, ref } })))
    return demo.stop
  })

  const openMessage = async (message: Message, width: number, height: number) => {
    const address = `${run.url}/mail?account=${accountId}&message=${message.ref}`
    const { page, expectQuiet } = await visit(browser, address, { width, height, storageState })
    // While only its headers are loaded it is busy.
    await page.getByRole('article', { name: 'The open message' }).and(page.locator(':not([aria-busy])')).waitFor()
    return { page, expectQuiet }
  }
  const topOf = async (page: Page, selector: string) => (await page.locator(selector).boundingBox())!

  test.each([
    [360, 740],
    [768, 1024],
    [1280, 900],
  ])('at %i × %i px the HTML of a message is in sight, and only its frame scrolls', async (width, height) => {
    const written = messages.find(({ html, has_attachments: has }) => html?.includes('<img') && !has)!
    const { page, expectQuiet } = await openMessage(written, width, height)
    const frame = await topOf(page, 'iframe')
    expect(frame.y).toBeLessThan(height * 0.6)
    expect(Math.min(frame.y + frame.height, height) - frame.y).toBeGreaterThan(height * 0.25)
    expect(await page.evaluate(scrollers)).toEqual([])
    await expectNothingClipped(page, `a message, ${width}`)
    await expectAccessible(page, `a message, ${width}`)
    expectQuiet()
  })

  test('on a phone the text of a message begins in the upper half of the first screen; who else got it is a press away', async () => {
    const plain = messages.find(({ html, text, has_attachments: has }) => html === null && text && !has)!
    const { page } = await openMessage(plain, 360, 740)
    const text = page.getByText(plain.text!.trim().split('\n')[0]!.trim()).last()
    expect((await text.boundingBox())!.y).toBeLessThan(740 / 2)
    const to = page.getByRole('term').filter({ hasText: /^To$/ })
    expect(await to.isVisible()).toBe(false)
    await page.getByRole('button', { name: 'To and other details' }).click()
    await to.waitFor()
  })

  test('the window says what is unread; the address leads to the message by reload and by back; Escape closes it', async () => {
    const { page } = await visit(browser, `${run.url}/mail`, { storageState })
    const rows = page.locator('a[data-ref]')
    await rows.first().waitFor()
    // New mail arrives meanwhile.
    const isSaid = async () => {
      const { items } = await run.call(api.mail.listFolders, { params: { account_id: accountId } })
      const { unread, name } = items.find(({ role }) => role === 'inbox')!
      return Number(unread) > 0 && (await page.title()) === `(${unread}) ${name} · Mail · RustyMail`
    }
    await expect.poll(isSaid).toBe(true)

    const ref = await rows.nth(1).getAttribute('data-ref')
    await page.locator(`a[data-ref="${ref}"]`).click()
    const article = page.getByRole('article', { name: 'The open message' })
    await article.waitFor()
    const { searchParams } = new URL(page.url())
    // It names the account too: another user's default may differ.
    expect([searchParams.get('account'), searchParams.get('message')]).toEqual([accountId, ref])
    const subject = await article.getByRole('heading', { level: 2 }).innerText()
    await page.reload()
    await page.getByRole('heading', { level: 2, name: subject }).waitFor()
    await page.keyboard.press('Escape')
    await article.waitFor({ state: 'hidden' })
    await page.goBack()
    await page.getByRole('heading', { level: 2, name: subject }).waitFor()
    // A dialog in front of it closes first.
    await page.getByRole('button', { name: /^Account of/ }).click()
    await page.getByRole('button', { name: 'Sign out' }).waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Sign out' }).waitFor({ state: 'hidden' })
    expect(await article.isVisible()).toBe(true)
  })
})

/** Acting on mail on the page, beside a real mail server: seen at once, told with a way back, and put back where it fails. */
import type { Browser, Page } from 'playwright-core'
import { beforeAll, describe, expect, test } from 'vitest'
import { api } from '../../contract/index.ts'
import { expectAccessible, expectNothingClipped, keepPicture, launchBrowser, setScheme } from '../support/browser.ts'
import { type OrganisedMailbox, row, rows, startOrganisedMailbox } from '../support/organised-mailbox.ts'
import { available } from '../support/require.ts'

const hasAll = [available('chromium'), available('dovecot')].every(Boolean)

describe.skipIf(!hasAll)('in Chromium, on Dovecot', () => {
  let browser: Browser
  let box: OrganisedMailbox
  /** What our server says to Dovecot waits while this is set, where it matches. */
  let held: { words: RegExp; until: Promise<void> } | undefined
  /** What Dovecot answers to the next command that matches. */
  let refusal: RegExp | undefined

  beforeAll(async () => {
    browser = await launchBrowser()
    box = await startOrganisedMailbox(browser, 70, {
      holds: text => (held?.words.test(text) ? held.until : undefined),
      toServer: text => (refusal?.test(text) ? text.replace(refusal, '$1 XREFUSED') : text),
    })
    return async () => {
      await browser.close()
      await box.stop()
    }
  })

  const focused = (page: Page) => page.evaluate<string>('document.activeElement.innerText ?? ""')
  const toast = (page: Page, words: string | RegExp) => page.getByRole('status').getByText(words)
  const waitFor = (page: Page, count: string) => page.getByText(count, { exact: true }).waitFor()

  /** Commands that match are held until the answer is called. */
  function hold(words: RegExp): () => void {
    const { promise, resolve } = Promise.withResolvers<void>()
    held = { words, until: promise }
    return () => {
      held = undefined
      resolve()
    }
  }

  test('keys archive, star and mark what has the focus, before the mail server hears of it; z takes it back', async () => {
    const { page, expectQuiet } = await box.open()
    await row(page, 'Note 70').first().waitFor()
    await page.keyboard.press('j')
    await page.keyboard.press('j')
    await expect.poll(() => focused(page)).toContain('Note 70')
    const release = hold(/UID (MOVE|STORE)/)
    await page.keyboard.press('e')
    await expect.poll(() => row(page, 'Note 70').count()).toBe(0)
    await toast(page, '1 message archived').waitFor()
    // The next one has the focus, so that the keys go on with it.
    await expect.poll(() => focused(page)).toContain('Note 69')
    await page.keyboard.press('s')
    await row(page, 'Note 69').getByText('Flagged').waitFor()
    await page.keyboard.press('I')
    await expect.poll(() => row(page, 'Note 69').getByText('Unread').count()).toBe(0)
    expect(await box.subjectsIn('Archive')).toEqual([])
    await keepPicture(page, 'organise-toast-light-1440')
    release()
    await expect.poll(() => box.subjectsIn('Archive')).toEqual(['Note 70'])
    for (const words of ['marked as read', 'starred', 'archived']) {
      await page.keyboard.press('z')
      await toast(page, `Undone: 1 message ${words}`).waitFor()
    }
    await row(page, 'Note 70').getByText('Unread').waitFor()
    await expect.poll(() => box.subjectsIn('Archive')).toEqual([])
    expect(await box.subjectsIn('INBOX')).toContain('Note 70')
    await expect.poll(() => row(page, 'Note 69').getByText('Unread').count()).toBe(1)
    expect(await row(page, 'Note 69').getByText('Flagged').count()).toBe(0)
    expectQuiet()
  })
})

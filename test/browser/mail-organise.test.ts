/** Acting on mail on the page, with a real mail server: shown immediately, with undo, rolled back on failure. */
import type { Browser, Page } from 'playwright-core'
import { beforeAll, describe, expect, test } from 'vitest'
import { expectAccessible, expectNothingClipped, keepPicture, launchBrowser, setScheme } from '../support/browser.ts'
import { type OrganisedMailbox, row, startOrganisedMailbox } from '../support/organised-mailbox.ts'
import { available } from '../support/require.ts'

const hasAll = [available('chromium'), available('dovecot')].every(Boolean)

describe.skipIf(!hasAll)('in Chromium, on Dovecot', () => {
  let browser: Browser
  let box: OrganisedMailbox
  /** While set, matching commands of our server to Dovecot wait. */
  let held: { words: RegExp; until: Promise<void> } | undefined
  /** Refuses the next command that matches. */
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

  /** Holds matching commands until the returned function is called. */
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
    // The next one has the focus, so that the keys continue there.
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
    await expect.poll(() => row(page, 'Note 69').getByText('Flagged').count()).toBe(0)
    expectQuiet()
  })

  test('a conversation is archived whole, and the next one opened; the toast has the way back', async () => {
    const { page, expectQuiet } = await box.open()
    await row(page, 'Plans').click()
    const conversation = page.getByRole('article', { name: 'The open conversation' })
    await conversation.getByText('3 messages').waitFor()
    const actions = page.getByRole('group', { name: 'Actions: 1 conversation' })
    await actions.getByRole('button', { name: 'Archive (e)' }).click()
    await page.getByRole('heading', { level: 2, name: 'Note 70' }).waitFor()
    expect(await row(page, 'Plans').count()).toBe(0)
    await toast(page, '1 conversation archived').waitFor()
    await expect.poll(() => box.subjectsIn('Archive')).toEqual(['Plans', 'Re: Plans', 'Re: Plans'])
    for (const scheme of ['light', 'dark'] as const) {
      await setScheme(page, scheme)
      await expectAccessible(page, `an open message, its actions and a toast, ${scheme}`)
    }
    expectQuiet()
    await page.getByRole('status').getByRole('button', { name: 'Undo' }).click()
    await toast(page, 'Undone: 1 conversation archived').waitFor()
    await row(page, 'Plans').waitFor()
    await expect.poll(() => box.subjectsIn('Archive')).toEqual([])
    // It is reopened by its id: the message has another place by now.
    await row(page, 'Plans').click()
    await conversation.getByText('3 messages').waitFor()
    await conversation.getByText('The text of Re: Plans.').last().waitFor()
  })

  test('many are selected by x, ranges and all at once, and moved or labelled by a few letters', async () => {
    const { page, expectQuiet } = await box.open()
    await row(page, 'Note 70').waitFor()
    await page.getByRole('button', { name: 'Select all' }).click()
    // Older ones are loaded for that: a thread and 70 messages.
    await waitFor(page, '71 selected')
    await page.getByRole('button', { name: 'Clear the selection' }).click()
    await expect.poll(() => page.getByText(/selected$/).count()).toBe(0)

    await page.getByRole('checkbox', { name: 'Select Note 68' }).check()
    await row(page, 'Note 65').click({ modifiers: ['Shift'] })
    await waitFor(page, '4 selected')
    await page.keyboard.press('v')
    const picker = page.getByRole('dialog', { name: 'Move 4 messages to' })
    await picker.getByRole('option', { name: /Archive/ }).waitFor()
    await expectAccessible(page, 'the picker of folders')
    await keepPicture(page, 'organise-folders-light-1440')
    await page.keyboard.type('jnk')
    await page.keyboard.press('Enter')
    await toast(page, '4 messages moved to Junk').waitFor()
    await expect.poll(() => row(page, /Note 6[5-8]/).count()).toBe(0)
    await expect.poll(() => focused(page)).toContain('Note 64')
    await expect.poll(async () => (await box.subjectsIn('Junk')).length).toBe(4)
    await page.keyboard.press('z')
    await expect.poll(() => row(page, /Note 6[5-8]/).count()).toBe(4)
    await expect.poll(() => box.subjectsIn('Junk')).toEqual([])

    await page.keyboard.press('x')
    await page.keyboard.press('l')
    await page.getByRole('dialog', { name: 'Label 1 message' }).waitFor()
    await page.keyboard.type('Very urgent')
    await page.keyboard.press('Enter')
    await toast(page, '1 message labelled').waitFor()
    await row(page, 'Note 64').getByText('Very-urgent').waitFor()
    await box.imap.run('EXAMINE INBOX')
    await expect.poll(() => box.imap.run('SEARCH KEYWORD Very-urgent')).toMatch(/SEARCH \d/)
    await page.keyboard.press('z')
    await expect.poll(() => row(page, 'Note 64').getByText('Very-urgent').count()).toBe(0)
    expectQuiet()
  })

  test('what fails is put back, with the words of the mail server; of several, those that failed', async () => {
    const { page } = await box.open()
    await row(page, 'Note 70').waitFor()
    refusal = /^(\w+) UID MOVE/
    await page.keyboard.press('j')
    await page.keyboard.press('j')
    await expect.poll(() => focused(page)).toContain('Note 70')
    await page.keyboard.press('#')
    await toast(page, '1 message could not be moved').waitFor()
    await row(page, 'Note 70').waitFor()
    refusal = undefined

    // One of the ids is unknown to the server.
    await page.route('**/messages/actions', route => {
      const body = route.request().postDataJSON()
      const ids = [body.ids[0], 'A'.repeat(20), ...body.ids.slice(2)]
      return route.continue({ postData: { ...body, ids } })
    })
    await page.getByRole('checkbox', { name: 'Select Note 70' }).check()
    await page.getByRole('checkbox', { name: 'Select Note 69' }).check()
    await page.getByRole('checkbox', { name: 'Select Note 68' }).check()
    await page.keyboard.press('#')
    await toast(page, '1 of 3 could not be moved').waitFor()
    await toast(page, 'There is no such message in this account.').waitFor()
    await row(page, 'Note 69').waitFor()
    expect(await row(page, /Note (70|68)/).count()).toBe(0)
    await expect.poll(() => box.subjectsIn('Trash')).toEqual(['Note 70', 'Note 68'])
    await page.getByRole('button', { name: 'Details' }).click()
    const dialog = page.getByRole('dialog', { name: '1 of 3 could not be moved' })
    expect(await dialog.getByRole('listitem').allInnerTexts()).toEqual([expect.stringContaining('Note 69')])
    await expectAccessible(page, 'what failed')
    await page.keyboard.press('Escape')
  })

  test('to delete for good asks first, and names the number; it is gone from the mail server', async () => {
    const { page, expectQuiet } = await box.open('/mail?folder=Trash')
    await row(page, 'Note 70').waitFor()
    await page.getByRole('button', { name: 'Select all' }).click()
    await waitFor(page, '2 selected')
    await page.keyboard.press('#')
    const dialog = page.getByRole('dialog', { name: 'Delete 2 messages permanently?' })
    await dialog.getByText('This cannot be undone.').waitFor()
    await keepPicture(page, 'organise-delete-light-1440')
    await dialog.getByRole('button', { name: 'Delete 2 messages' }).click()
    await toast(page, '2 messages deleted permanently').waitFor()
    await page.getByText('No messages here').waitFor()
    expect(await page.getByRole('button', { name: 'Undo' }).count()).toBe(0)
    await expect.poll(() => box.subjectsIn('Trash')).toEqual([])
    expectQuiet()
  })

  test.each([
    ['mail:delete', 1, 0],
    ['mail:organize', 0, 0],
  ])('somebody without %s is not offered what they may not do', async (scope, bars, deletions) => {
    const { page } = await box.open('/profile')
    await page.route('**/session', async route => {
      const answer = await route.fetch()
      const session = await answer.json()
      const scopes = session.principal.scopes.filter((held: string) => held !== scope)
      await route.fulfill({ response: answer, json: { ...session, principal: { ...session.principal, scopes } } })
    })
    await page.goto(`${box.run.url}/mail`)
    await row(page, 'Note 67').click()
    await page.getByRole('heading', { level: 2, name: 'Note 67' }).waitFor()
    const bar = page.getByRole('group', { name: 'Actions: 1 message' })
    await expect.poll(() => bar.count()).toBe(bars)
    await page.keyboard.press('x')
    await page.keyboard.press('#')
    if (bars === 1) await toast(page, '1 message moved to the trash').waitFor()
    else expect(await row(page, 'Note 67').count()).toBe(1)
    expect(await page.getByRole('button', { name: /^More: / }).count()).toBe(bars)
    if (bars === 0) return
    // It is shown before the server has the request, which is lost if the page closes.
    const undone = page.waitForResponse(answer => answer.url().endsWith('/undo') && answer.ok())
    await page.keyboard.press('z')
    await row(page, 'Note 67').waitFor()
    await undone
    await expect.poll(() => box.subjectsIn('Trash')).toEqual([])
    await page.getByRole('button', { name: 'More: 1 message' }).click()
    await page.getByRole('button', { name: 'Copy to…' }).waitFor()
    expect(await page.getByRole('button', { name: 'Delete permanently…' }).count()).toBe(deletions)
  })

  test.each([320, 390, 768, 1024, 1440])('a selection and what is open fit into %i px, light and dark', async width => {
    const { page } = await box.open('/mail', { width, height: 800 })
    await row(page, 'Note 67').waitFor()
    await page.getByRole('checkbox', { name: 'Select Note 67' }).check({ force: true })
    await row(page, 'Note 66').click({ modifiers: ['Shift'] })
    await waitFor(page, '2 selected')
    const look = async (what: string) => {
      await expectNothingClipped(page, `${what} ${width}`)
      for (const scheme of ['light', 'dark'] as const) {
        await setScheme(page, scheme)
        await expectAccessible(page, `${what} ${width} ${scheme}`)
        await keepPicture(page, `organise-${what}-${scheme}-${width}`)
      }
    }
    await look('selection')
    await page.getByRole('button', { name: 'More: 2 messages' }).click()
    await page.getByRole('button', { name: 'Copy to…' }).waitFor()
    await expectNothingClipped(page, `more ${width}`)
    await keepPicture(page, `organise-more-dark-${width}`)
    await page.keyboard.press('Escape')
    await row(page, 'Note 65').click()
    await page.getByRole('heading', { level: 2, name: 'Note 65' }).waitFor()
    await look('open')
  })
})

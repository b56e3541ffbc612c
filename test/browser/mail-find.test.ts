/** The Mail page's search with an index: as you type, in all folders and accounts, narrowed by facets. */
import type { Browser, Page } from 'playwright-core'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { api } from '../../contract/index.ts'
import {
  expectAccessible,
  expectNothingClipped,
  keepPicture,
  launchBrowser,
  setScheme,
  visit,
} from '../support/browser.ts'
import { startDovecot } from '../support/dovecot.ts'
import { available } from '../support/require.ts'
import { startHere } from '../support/rustymail.ts'
import { signIn } from '../support/signed-in.ts'

const hasAll = [available('chromium'), available('dovecot')].every(Boolean)

const mails = [
  {
    user: 'alice',
    folder: 'INBOX',
    day: '03-Mar-2025',
    from: 'Ann Lee <ann@example.org>',
    subject: 'Plans',
    text: 'The annual report is late.',
  },
  {
    user: 'alice',
    folder: 'INBOX',
    day: '05-Mar-2026',
    from: 'Bob Stone <bob@example.org>',
    subject: 'Annual report',
    text: 'Here it is.',
  },
  {
    user: 'alice',
    folder: 'Archive',
    day: '06-Mar-2026',
    from: 'Ann Lee <ann@example.org>',
    subject: 'Report of the team',
    text: 'All well.',
  },
  {
    user: 'alice',
    folder: 'INBOX',
    day: '07-Mar-2026',
    from: 'Bob Stone <bob@example.org>',
    subject: 'Lunch',
    text: 'At noon?',
  },
  {
    user: 'bob',
    folder: 'INBOX',
    day: '08-Mar-2026',
    from: 'Eve <eve@example.org>',
    subject: 'Reports',
    text: 'My report for Bob.',
  },
] as const

describe.skipIf(!hasAll)('in Chromium, on Dovecot', () => {
  let browser: Browser

  beforeAll(async () => {
    browser = await launchBrowser()
    return () => browser.close()
  })

  const rows = (page: Page) => page.locator('a[data-ref]')
  const field = (page: Page) => page.getByRole('textbox', { name: 'Search mail' })
  const subjects = async (page: Page) =>
    (await rows(page).allInnerTexts()).map(text => mails.find(({ subject }) => text.includes(subject))?.subject)

  test('each letter searches all folders and accounts, and what was found narrows it', async () => {
    const dovecot = await startDovecot()
    onTestFinished(() => dovecot.stop())
    const run = await startHere({ environment: { RUSTYMAIL_INDEX: 'text' } })
    for (const name of ['alice', 'bob']) {
      const imap = await dovecot.login(`${name}@test.local`)
      onTestFinished(() => imap.close())
      await imap.run('CREATE Archive').catch(() => undefined)
      for (const [number, { folder, day, from, subject, text }] of mails.entries()) {
        if (mails[number]!.user !== name) continue
        const literal = Buffer.from(
          `From: ${from}\r\nTo: ${name}@test.local\r\nSubject: ${subject}\r\nMessage-ID: <${number}@x>\r\n\r\n${text}\r\n`,
        )
        await imap.run(`APPEND "${folder}" () "${day} 10:00:00 +0000" {${literal.length}}`, literal)
      }
      const server = {
        host: '127.0.0.1',
        port: dovecot.imapPort,
        tls: 'none',
        user: `${name}@test.local`,
        password: `pw-${name}`,
      }
      const { id } = await run.call(api.accounts.createAccount, {
        body: { name: name === 'alice' ? 'Alice' : 'Bob', email: `${name}@test.local`, imap: server },
      })
      const status = async () => (await run.call(api.mailIndex.getIndex, { params: { account_id: id } })).state
      await expect.poll(status).toBe('complete')
    }
    const storageState = await signIn(browser, run.url)
    const { page, expectQuiet } = await visit(browser, run.url, { width: 1440, storageState })
    await page.goto(`${run.url}/mail`)
    await rows(page).first().waitFor()

    // After a pause in typing the whole query is sent again, and results stay: only Enter completes a word.
    const whole = page.waitForResponse(response => {
      const { pathname, searchParams: asked } = new URL(response.url())
      return pathname.endsWith('/search') && asked.get('q') === 'repo' && asked.get('server') === null
    })
    await field(page).pressSequentially('repo')
    await expect.poll(() => subjects(page)).toEqual(['Report of the team', 'Annual report', 'Plans'])
    expect(((await (await whole).json()) as { items: unknown[] }).items).toHaveLength(3)
    await expect.poll(() => subjects(page)).toEqual(['Report of the team', 'Annual report', 'Plans'])
    expect(new URL(page.url()).searchParams.get('q')).toBe('repo')
    expect(await page.evaluate('document.activeElement.ariaLabel')).toBe('Search mail')
    await field(page).pressSequentially('rt ')
    await expect.poll(() => new URL(page.url()).searchParams.get('q')).toBe('report')
    await expect.poll(() => subjects(page)).toEqual(['Report of the team', 'Annual report', 'Plans'])
    expect(await field(page).inputValue()).toBe('report ')
    await expect.poll(() => rows(page).last().locator('mark').allInnerTexts()).toEqual(['report'])

    for (const scheme of ['light', 'dark'] as const) {
      await setScheme(page, scheme)
      await expectAccessible(page, `finds, ${scheme}`)
      await keepPicture(page, `mail-find-${scheme}-1440`)
    }
    await page.getByRole('combobox', { name: 'Narrow by year' }).selectOption({ label: '2025 (1)' })
    await expect.poll(() => subjects(page)).toEqual(['Plans'])
    await page.getByRole('button', { name: 'Search without after:2025-01-01' }).click()
    await page.getByRole('button', { name: 'Search without before:2026-01-01' }).click()
    await expect.poll(() => subjects(page)).toEqual(['Report of the team', 'Annual report', 'Plans'])
    await page.getByRole('button', { name: 'INBOX', exact: true }).click()
    await expect.poll(() => subjects(page)).toEqual(['Annual report', 'Plans'])
    await page.getByRole('button', { name: 'All accounts' }).click()
    await expect.poll(() => rows(page).count()).toBe(4)
    expect(await rows(page).first().innerText()).toMatch(/Reports\s+Bob/)

    // A folder belongs to its account: the other one has an INBOX too.
    await page.getByRole('combobox', { name: 'Narrow by folder' }).selectOption({ label: 'INBOX, Alice (2)' })
    await expect.poll(() => subjects(page)).toEqual(['Annual report', 'Plans'])
    await page.goBack()
    await expect.poll(() => rows(page).count()).toBe(4)

    // Opened in its own account, the other one.
    await rows(page).first().click()
    await page.getByText('My report for Bob.').last().waitFor()
    await page.getByRole('heading', { level: 2, name: 'Reports' }).waitFor()
    await page.setViewportSize({ width: 320, height: 700 })
    await page.goto(`${run.url}/mail?q=report&scope=all`)
    await expect.poll(() => rows(page).count()).toBe(4)
    await expectNothingClipped(page, 'finds, 320')
    await expectAccessible(page, 'finds, 320')
    await keepPicture(page, 'mail-find-dark-320')
    expectQuiet()

    // An incomplete term is no error while typing.
    await field(page).fill('report from:')
    await expect.poll(() => new URL(page.url()).searchParams.get('q')).toBe('report from:')
    expect(await rows(page).count()).toBe(4)
    expect(await page.locator('search').getByRole('alert').count()).toBe(0)
    await field(page).press('Enter')
    await page.locator('search').getByRole('alert').waitFor()
    await field(page).press('Escape')
    await expect.poll(() => rows(page).first().innerText()).toContain('Lunch')
  })
})

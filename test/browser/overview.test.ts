/** What the overview reports of faults and mail, where it links, and its accounts. */
import type { Browser, Page } from 'playwright-core'
import { beforeAll, describe, expect, test } from 'vitest'
import { api } from '../../contract/index.ts'
import {
  expectAccessible,
  expectNothingClipped,
  keepPicture,
  launchBrowser,
  setScheme,
  visit,
} from '../support/browser.ts'
import { type Dovecot, startDovecot } from '../support/dovecot.ts'
import { freePort } from '../support/free-port.ts'
import { available } from '../support/require.ts'
import { type Served, startHere, startRustyMail } from '../support/rustymail.ts'
import { signIn } from '../support/signed-in.ts'

const hasAll = [available('chromium'), available('dovecot')].every(Boolean)

function connect(run: Served, name: string, user: string, port: number, verify: boolean) {
  const password = `pw-${user.split('@')[0]}`
  const imap = { host: '127.0.0.1', port, tls: 'none', user, password } as const
  return run.call(api.accounts.createAccount, {
    query: { verify: String(verify) },
    body: { name, email: user, imap, enabled: true },
  })
}

const iconOf = (page: Page) => page.locator('link[rel="icon"]').getAttribute('href')
const heightOf = (page: Page) => page.evaluate<number>('document.querySelector("table").getBoundingClientRect().height')

describe.skipIf(!hasAll)('in Chromium', () => {
  let browser: Browser
  let dovecot: Dovecot

  beforeAll(async () => {
    ;[browser, dovecot] = await Promise.all([launchBrowser(), startDovecot()])
    return async () => {
      await Promise.all([browser.close(), dovecot.stop()])
    }
  })

  test('twenty accounts on a dead server are one problem, told in the title too, and lead to a table and a page of their own', async () => {
    const run = await startHere()
    const port = await freePort()
    const named = (index: number) => `Mailbox ${String(index).padStart(2, '0')}`
    for (let index = 1; index <= 20; index++) {
      await connect(run, named(index), `user${index}@test.local`, port, false)
    }
    await connect(run, 'Alive', 'alice@test.local', dovecot.imapPort, true)
    const storageState = await signIn(browser, run.url)
    const { page } = await visit(browser, run.url, { storageState })
    const cause = page.getByRole('link', { name: `127.0.0.1:${port} does not answer: 20 accounts.` })
    await cause.waitFor()
    await expect.poll(() => page.title()).toBe('⚠ 1 · Overview · RustyMail')
    expect(await iconOf(page)).toBe('/favicon-bad.svg')
    // No rule has fired yet, and still the page of alerts does not claim that all is well.
    await page.goto(`${run.url}/alerts`)
    await cause.waitFor()
    await page.getByText('No alert is firing').waitFor()
    await page.goto(run.url)
    await cause.waitFor()

    await cause.click()
    await page.getByRole('heading', { level: 1, name: 'Accounts', exact: true }).waitFor()
    const rows = page.getByRole('row').filter({ has: page.getByRole('cell') })
    await expect.poll(() => rows.count()).toBe(20)
    await page.getByRole('searchbox').fill('')
    await expect.poll(() => rows.count()).toBe(21)
    // The worst are first.
    expect(await rows.first().innerText()).toContain(named(1))
    expect(await rows.last().innerText()).toContain('Alive')
    for (const [scheme, width] of [
      ['light', 1440],
      ['dark', 768],
      ['light', 360],
      ['dark', 320],
    ] as const) {
      await page.setViewportSize({ width, height: 900 })
      await setScheme(page, scheme)
      await expectNothingClipped(page, `accounts at ${width}`)
      await expectAccessible(page, `accounts at ${width}`)
      await keepPicture(page, `accounts-20-${scheme}-${width}`, { fullPage: true })
      // Two lines per row: it once took 4,437 px.
      expect(await heightOf(page), `at ${width}`).toBeLessThan(21 * 64 + 48)
    }
    await page.setViewportSize({ width: 1280, height: 900 })
    await page.getByRole('button', { name: 'Account', exact: true }).click()
    await expect.poll(() => rows.first().innerText()).toContain('Alive')
    await page.getByRole('combobox', { name: 'State' }).selectOption('ready')
    await expect.poll(() => rows.count()).toBe(1)
    await page.getByRole('combobox', { name: 'State' }).selectOption('')

    await page.getByRole('link', { name: named(3) }).click()
    await page.getByRole('heading', { level: 1, name: named(3) }).waitFor()
    await page.getByRole('img', { name: /^In the last 24 hours: .*unreachable/ }).waitFor()
    const errors = page.getByRole('region', { name: 'Recent errors' })
    await errors.getByText('Nothing answers on this port').waitFor()
    for (const width of [1440, 360]) {
      await page.setViewportSize({ width, height: 900 })
      await expectNothingClipped(page, `account at ${width}`)
      await expectAccessible(page, `account at ${width}`)
      await keepPicture(page, `account-unreachable-${width}`, { fullPage: true })
    }
    await page.getByRole('link', { name: /^Diagnose/ }).click()
    const verdict = page.getByRole('region', { name: 'Verdict' })
    await verdict.getByText('press Retry now on').waitFor()
    await verdict.getByRole('link', { name: 'the page of the account' }).click()
    await page.getByRole('button', { name: /^Retry now/ }).click()
    await page.getByText('Reconnecting').waitFor()
    await page.getByRole('button', { name: /^Verify now/ }).click()
    await page
      .getByRole('region', { name: `Test of ${named(3)}` })
      .getByText('Nothing answers on this port')
      .waitFor()
  })

  test('mails of an account are one row with sender and subject, lead to the message, and can be filtered for', async () => {
    const run = await startHere()
    const { id } = await connect(run, 'Bob', 'bob@test.local', dovecot.imapPort, true)
    await connect(run, 'Carol', 'carol@test.local', dovecot.imapPort, true)
    const states = async () => (await run.call(api.accounts.listAccounts)).items.map(({ state }) => state)
    await expect.poll(states).toEqual(['ready', 'ready'])
    const storageState = await signIn(browser, run.url)
    const { page } = await visit(browser, run.url, { storageState })
    await page.getByText('All good').waitFor()
    expect(await iconOf(page)).toBe('/favicon.svg')
    for (const subject of ['First', 'Second', 'Third']) {
      await dovecot.appendMessage('bob@test.local', `From: Ann <ann@test.local>\nSubject: ${subject}\n\nWords.\n`)
    }
    const feed = page.getByRole('region', { name: 'Activity' })
    await feed.getByRole('link', { name: '3 new messages in Bob' }).waitFor()
    await feed.getByText('Ann: Third').waitFor()
    // What was there before the page was opened reads the same.
    await page.reload()
    await feed.getByText('Ann: Third').waitFor()
    await feed.getByRole('combobox', { name: 'Kind of change' }).selectOption('mail')
    await expect.poll(() => feed.getByText(/connected|is ready|was added/).count()).toBe(0)
    await feed.getByRole('combobox', { name: 'Account' }).selectOption('Carol')
    // Reported only because it was indexed.
    await feed.getByText('6 folders of Carol are new').waitFor()
    expect(await feed.getByText('new mail').count()).toBe(0)
    await feed.getByRole('combobox', { name: 'Account' }).selectOption('Bob')
    expect(new URL(page.url()).search).toBe(`?kind=mail&account=${id}`)
    await feed.getByRole('button', { name: 'Show each: 3 new messages in Bob' }).click()
    await expectAccessible(page, 'feed')
    for (const width of [1280, 360, 320]) {
      await page.setViewportSize({ width, height: 900 })
      await expectNothingClipped(page, `feed at ${width}`)
      await keepPicture(page, `feed-${width}`, { fullPage: true })
    }
    await feed.getByRole('link', { name: 'Ann: First' }).click()
    await page.getByRole('heading', { name: 'First' }).first().waitFor()
    await page.getByRole('article', { name: 'The open message' }).getByText('Words.').waitFor()
  })

  test('a flood of mail is one row, counted whole, and hides nothing that was before it', async () => {
    const run = await startHere()
    await connect(run, 'Dave', 'dave@test.local', dovecot.imapPort, true)
    const state = async () => (await run.call(api.accounts.listAccounts)).items[0]?.state
    await expect.poll(state).toBe('ready')
    const imap = await dovecot.login('dave@test.local')
    for (let count = 0; count < 130; count++) {
      await imap.append('INBOX', Buffer.from(`From: Ann <ann@test.local>\r\nSubject: ${count}\r\n\r\nWords.\r\n`), [])
    }
    imap.close()
    const storageState = await signIn(browser, run.url)
    const { page } = await visit(browser, run.url, { storageState })
    const feed = page.getByRole('region', { name: 'Activity' })
    await feed.getByRole('link', { name: '130 new messages in Dave', exact: true }).waitFor()
    // The page loads more than its first request.
    await page.reload()
    await feed.getByRole('link', { name: '130 new messages in Dave', exact: true }).waitFor()
    await feed.getByText('Account Dave was added').waitFor()
    await feed.getByText(/^RustyMail .* started$/).waitFor()
  })

  test('a page that is cut off says so in its title and its icon', async () => {
    const run = await startRustyMail()
    const storageState = await signIn(browser, run.url)
    const { page } = await visit(browser, run.url, { storageState })
    await page.getByRole('button', { name: 'Live', exact: true }).waitFor()
    await expect.poll(() => page.title()).toBe('Overview · RustyMail')
    await run.stop('SIGKILL')
    await expect.poll(() => page.title()).toBe('⚠ Not live · Overview · RustyMail')
    expect(await iconOf(page)).toBe('/favicon-lost.svg')
  })
})

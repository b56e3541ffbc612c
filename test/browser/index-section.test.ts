/** The index of an account on its page: while it is built, when it is complete, after mail came, and where nothing is indexed. */
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
import { People } from '../support/people.ts'
import { available } from '../support/require.ts'
import { type Served, startHere } from '../support/rustymail.ts'
import { enter, type SignedIn } from '../support/signed-in.ts'
import { startRelay } from '../support/tcp-relay.ts'

const hasAll = [available('chromium'), available('dovecot')].every(Boolean)

/** Texts of one folder are fetched together; either folder may be the first, since all mail comes within seconds. */
const mailsOfInbox = 50
const mailsOfSent = 7
const mails = mailsOfInbox + mailsOfSent
const mail = (number: number) =>
  `From: ann@example.org\nMessage-ID: <${number}@example.org>\nSubject: ${number}\n\nNo. ${number}`

/** Holds commands that fetch texts, once there were `free` of them, until it is opened. */
class Gate {
  #free: number
  #open = Promise.withResolvers<void>()
  #isClosed = true

  constructor(free: number) {
    this.#free = free
  }

  holds(data: string): Promise<void> | undefined {
    if (!/BODY\.PEEK\[[^\]]*\]<0\./.test(data)) return undefined
    return this.#free-- > 0 || !this.#isClosed ? undefined : this.#open.promise
  }

  open(): void {
    this.#isClosed = false
    this.#open.resolve()
  }

  close(): void {
    this.#isClosed = true
    this.#open = Promise.withResolvers()
  }
}

async function stateOf(browser: Browser, url: string, cookie: string): Promise<SignedIn> {
  const [name = '', value = ''] = cookie.split('=')
  const context = await browser.newContext()
  await context.addCookies([{ name, value, url, httpOnly: true, sameSite: 'Lax' }])
  const state = await context.storageState()
  await context.close()
  return state
}

async function openAccount(page: Page, run: Served, id: string, name: string) {
  await page.goto(`${run.url}/accounts/${id}`)
  await page.getByRole('heading', { level: 1, name, exact: true }).waitFor()
  const section = page.getByRole('region', { name: 'Index', exact: true })
  const figure = (label: string) =>
    section
      .locator('dl > div')
      .filter({ has: page.getByText(label, { exact: true }) })
      .locator('dd')
      .innerText()
  return { section, figure }
}

async function lookAt(page: Page, what: string): Promise<void> {
  for (const scheme of ['light', 'dark'] as const) {
    await setScheme(page, scheme)
    for (const width of [320, 1280]) {
      await page.setViewportSize({ width, height: 900 })
      await expectNothingClipped(page, `${what} ${width}`)
      await expectAccessible(page, `${what} ${width} ${scheme}`)
      await keepPicture(page, `${what}-${scheme}-${width}`, { fullPage: true })
    }
  }
}

/** Out and in again, and from a table: on the page of all accounts. */
async function moveAccounts(page: Page, run: Served): Promise<void> {
  await page.goto(`${run.url}/accounts`)
  await page.getByRole('button', { name: 'Export' }).click()
  const leaving = page.getByRole('dialog', { name: 'Export all accounts' })
  await leaving.getByLabel('Passphrase', { exact: true }).fill('nine green doors')
  await leaving.getByLabel('Passphrase again').fill('nine red doors')
  await leaving.getByRole('button', { name: 'Export' }).click()
  await leaving.getByText('Enter the same passphrase').waitFor()
  await lookAt(page, 'accounts-export')
  await leaving.getByLabel('Passphrase again').fill('nine green doors')
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    leaving.getByRole('button', { name: 'Export' }).click(),
  ])
  await leaving.waitFor({ state: 'hidden' })
  const file = await download.path()
  await page.getByRole('button', { name: 'Import' }).click()
  const coming = page.getByRole('dialog', { name: 'Import accounts' })
  await coming.getByLabel('File to import').setInputFiles(file)
  await coming.getByLabel('Passphrase of the file').fill('nine red doors')
  await coming.getByRole('button', { name: 'Import' }).click()
  await coming.getByText('It does not open this file.').waitFor()
  await lookAt(page, 'accounts-import')
  await coming.getByLabel('Passphrase of the file').fill('nine green doors')
  await coming.getByRole('button', { name: 'Import' }).click()
  await coming.getByText('0 accounts of 1 created.').waitFor()
  await coming.getByRole('button', { name: 'Done' }).click()
  await page.getByRole('button', { name: 'Import' }).click()
  const csv = 'email,imap_host,imap_password\nbob@example.org,,secret\ncid@example.org,127.0.0.1,wrong\n'
  const table = { name: 'people.csv', mimeType: 'text/csv', buffer: Buffer.from(csv) }
  await coming.getByLabel('File to import').setInputFiles(table)
  await coming.getByRole('button', { name: 'Check first' }).click()
  await coming.getByText('0 accounts of 2 would be created. Nothing is imported yet.').waitFor()
  expect(await coming.innerText()).toMatch(/bob@example.org[\s\S]*imap_host: It is missing.[\s\S]*cid@example.org/)
  await lookAt(page, 'accounts-import-table')
  await coming.getByRole('button', { name: 'Cancel' }).click()
}

describe.skipIf(!hasAll)('in Chromium', () => {
  let browser: Browser

  beforeAll(async () => {
    browser = await launchBrowser()
    return () => browser.close()
  })

  test('it is built, complete with every message, follows new mail, and is rebuilt without losing any', async () => {
    const dovecot = await startDovecot({ quotaKib: 1_024 })
    onTestFinished(() => dovecot.stop())
    for (let number = 1; number <= mails; number++) {
      const folder = number <= mailsOfSent ? 'Sent' : 'INBOX'
      await dovecot.appendMessage('alice@test.local', mail(number), folder)
    }
    const gate = new Gate(1)
    const relay = await startRelay(dovecot.imapPort, { holds: data => gate.holds(data) })
    onTestFinished(() => relay.stop())
    const run = await startHere({ environment: { RUSTYMAIL_INDEX: 'text' } })
    const imap = { host: '127.0.0.1', port: relay.port, tls: 'none', user: 'alice@test.local', password: 'pw-alice' }
    const { id } = await run.call(api.accounts.createAccount, { body: { name: 'Alice', email: imap.user, imap } })
    const cookie = await enter(run.url)
    const { page, expectQuiet } = await visit(browser, run.url, {
      storageState: await stateOf(browser, run.url, cookie),
    })
    const { section, figure } = await openAccount(page, run, id, 'Alice')

    await section.getByText('Building', { exact: true }).waitFor()
    const progress = (label: string) =>
      section.getByRole('progressbar', { name: label }).evaluate(bar => {
        const { value, max } = bar as unknown as { value: number; max: number }
        return [value, max]
      })
    await expect.poll(() => progress('Headers')).toEqual([mails, mails])
    await expect
      .poll(() => progress('Texts'))
      .toSatisfy(([done, all]: number[]) => {
        return all === mails && (done === mailsOfInbox || done === mailsOfSent)
      })
    await lookAt(page, 'index-building')
    gate.open()
    await section.getByText('Complete', { exact: true }).waitFor()
    expect(await section.getByRole('progressbar').count()).toBe(0)
    expect(await section.innerText()).toMatch(/Compared with the mail server (now|\d+ s ago|1 min ago)/)
    expect(await figure('Level')).toBe('Headers and text')
    expect(await figure('Messages')).toMatch(new RegExp(`^${mails}\\s+${mails} with text$`))
    const { folders } = await run.call(api.mailIndex.getIndex, { params: { account_id: id } })
    expect(await figure('Folders')).toBe(String(folders))
    expect(await figure('Disk space')).toMatch(/^[\d.]+ [kM]B\s+[\d.]+ k?B a message$/)
    await lookAt(page, 'index-complete')

    // Facts tell of it: it is asked for by itself once a minute only.
    await dovecot.appendMessage('alice@test.local', mail(mails + 1))
    await expect.poll(() => figure('Messages')).toMatch(new RegExp(`^${mails + 1}\\s+${mails + 1} with text$`))

    const watched = section.getByRole('region', { name: 'Watched folders' })
    const chosen = async () =>
      (await run.call(api.accounts.listAccounts)).items.find(each => each.id === id)!.watched_folders
    await watched.getByRole('combobox', { name: 'Watch another folder' }).selectOption('Sent')
    await watched.getByRole('button', { name: 'Do not watch Sent' }).waitFor()
    expect(await chosen()).toEqual(['Sent'])
    await lookAt(page, 'index-watched')
    await watched.getByRole('button', { name: 'Do not watch Sent' }).click()
    await watched.getByRole('button', { name: 'Do not watch Sent' }).waitFor({ state: 'detached' })
    expect(await chosen()).toEqual([])
    await watched.getByRole('combobox', { name: 'Check other folders' }).selectOption('Every 5 minutes')
    await page.getByText('Interval of other folders changed').waitFor()

    const params = { account_id: id }
    await expect.poll(async () => (await run.call(api.accountServer.getServers, { params })).quota?.level).toBe('ok')
    await page.reload()
    const server = page.getByRole('region', { name: 'Mail server', exact: true })
    await server.getByRole('progressbar', { name: 'Room in the mailbox' }).waitFor({ state: 'attached' })
    expect(await server.innerText()).toMatch(/OK[\s\S]*Announces new mail immediately \(IDLE\)/)
    await lookAt(page, 'mail-server')
    // By itself: a browser notes each answer that refuses something.
    const moving = await visit(browser, run.url, { storageState: await stateOf(browser, run.url, cookie) })
    await moveAccounts(moving.page, run)
    await moving.context.close()

    gate.close()
    await section.getByRole('button', { name: 'Rebuild index' }).click()
    const dialog = page.getByRole('dialog', { name: 'Rebuild the index of Alice?' })
    expect(await dialog.innerText()).toContain('Nothing is lost')
    await lookAt(page, 'index-rebuild')
    await dialog.getByRole('button', { name: 'Rebuild index' }).click()
    await dialog.waitFor({ state: 'hidden' })
    await section.getByText('Building', { exact: true }).waitFor()
    await expect.poll(() => progress('Headers')).toEqual([mails + 1, mails + 1])
    await expect.poll(() => progress('Texts')).toEqual([0, mails + 1])
    gate.open()
    await section.getByText('Complete', { exact: true }).waitFor()
    expect(await figure('Messages')).toMatch(new RegExp(`^${mails + 1}\\s+${mails + 1} with text$`))
    expectQuiet()

    // A viewer may not see what mail there is.
    const { proof } = await new People(run.url, cookie).invite('viewer')
    const { page: theirs, expectQuiet: theirsIsQuiet } = await visit(browser, run.url, {
      storageState: await stateOf(browser, run.url, proof.cookie!),
    })
    const seen = await openAccount(theirs, run, id, 'Alice')
    await theirs.getByText('None since RustyMail started.').waitFor()
    expect(await seen.section.count()).toBe(0)
    theirsIsQuiet()
  })

  test('where nothing is indexed, it says so, until a level is chosen', async () => {
    const run = await startHere({ args: ['--demo'], environment: { RUSTYMAIL_INDEX: 'off' } })
    const { items } = await run.call(api.accounts.listAccounts)
    const storageState = await stateOf(browser, run.url, await enter(run.url))
    const { page, expectQuiet } = await visit(browser, run.url, { storageState })
    const { section, figure } = await openAccount(page, run, items[0]!.id, items[0]!.name)
    await section.getByText('The mail of this account is not indexed.').waitFor()
    expect(await section.getByRole('button').count()).toBe(0)
    await lookAt(page, 'index-off')
    const level = section.getByRole('combobox', { name: 'What is indexed' })
    expect(await level.locator('option:checked').innerText()).toBe('Default: nothing')
    await level.selectOption('Headers')
    await section.getByText('Complete', { exact: true }).waitFor()
    expect(await figure('Level')).toBe('Headers')
    await level.selectOption('Nothing')
    await section.getByText('The mail of this account is not indexed.').waitFor()
    expectQuiet()
  })
})

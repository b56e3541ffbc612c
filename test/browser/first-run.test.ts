/** A new user's path: the printed link, an administrator, no accounts yet, a mailbox that fails and then works. */

import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { createApp } from '../../server/app.ts'
import { loadConfig } from '../../server/config.ts'
import { createLogger } from '../../server/platform/logger.ts'
import { expectAccessible, expectNothingClipped, keepPicture, launchBrowser, visit } from '../support/browser.ts'
import { type Dovecot, startDovecot } from '../support/dovecot.ts'
import { NamedNetwork } from '../support/named-network.ts'
import { passwordMemory } from '../support/passwords.ts'
import { available } from '../support/require.ts'
import { startHere, startRustyMail } from '../support/rustymail.ts'
import { administrator, signIn } from '../support/signed-in.ts'
import { startRelay } from '../support/tcp-relay.ts'
import { tempDir } from '../support/temp-dir.ts'

/** Screenshots in both widths, and in both themes if they are kept, to be looked at. */
async function shoot(page: Page, name: string): Promise<void> {
  for (const width of [1280, 360]) {
    await page.setViewportSize({ width, height: 800 })
    await expectNothingClipped(page, `${name} at ${width}`)
    for (const colorScheme of process.env.RUSTYMAIL_TEST_PICTURES ? (['light', 'dark'] as const) : []) {
      await page.emulateMedia({ colorScheme })
      await keepPicture(page, `${name}-${colorScheme}-${width}`)
    }
  }
  await page.setViewportSize({ width: 1280, height: 800 })
  await page.emulateMedia({ colorScheme: 'light' })
}

/** Discovery in the dialog: known providers with and without a client, and a domain whose DNS has two answers. */
async function findServers(page: Page, network: NamedNetwork): Promise<void> {
  const dialog = page.getByRole('dialog')
  const address = dialog.getByLabel('Address')
  const password = dialog.getByLabel('Password', { exact: true })
  await address.fill('anna@outlook.com')
  await address.blur()
  await dialog.getByText('Microsoft no longer accepts passwords over IMAP: it requires OAuth.').waitFor()
  await dialog.getByText('Signing in with Microsoft is not set up on this server.').waitFor()
  expect(await password.count()).toBe(0)
  await expectAccessible(page, 'a provider without a client id')
  await shoot(page, 'connect-oauth')

  await address.fill('anna@gmail.com')
  await address.blur()
  await dialog.getByRole('button', { name: 'Sign in with Google' }).waitFor()
  await dialog.getByLabel('Password (optional)').waitFor()
  await expectAccessible(page, 'a password or signing in')
  await shoot(page, 'connect-google')
  await dialog.getByRole('button', { name: 'Next' }).click()
  await dialog.getByRole('button', { name: 'Test and connect' }).waitFor()
  await dialog.getByRole('button', { name: 'Sign in with Google' }).waitFor()
  await shoot(page, 'connect-google-servers')
  await dialog.getByRole('button', { name: 'Back' }).click()
  const dialogUrl = page.url()
  await page.route('https://accounts.google.com/**', route =>
    route.fulfill({ contentType: 'text/html', body: 'Google' }),
  )
  await dialog.getByRole('button', { name: 'Sign in with Google' }).click()
  await page.waitForURL(/^https:\/\/accounts\.google\.com/)
  const { searchParams } = new URL(page.url())
  expect([searchParams.get('client_id'), searchParams.get('login_hint')]).toEqual(['google-client', 'anna@gmail.com'])
  await page.goto(dialogUrl)

  network.host('autoconfig.example.org')
  network.silent = (name, type) => type === 'TXT' || `${type} ${name}` === 'A example.org'
  const service = (name: string, target: string, port: number) =>
    network.record({ type: 'SRV', name: `${name}.example.org`, data: { target, port } })
  service('_imaps._tcp', 'imap.hoster.example', 993)
  service('_submission._tcp', 'smtp.hoster.example', 587)
  network.record({ type: 'MX', name: 'example.org', data: { preference: 10, exchange: 'mxext1.mailbox.org' } })
  await address.fill('anna@example.org')
  await password.fill('pw')
  await dialog.getByText('imap.hoster.example', { exact: true }).waitFor()
  await dialog.getByText(/it is outside the domain of the address/).waitFor()
  await dialog.getByText(/autoconfig\.example\.org \(127\.0\.0\.1\) is this machine/).waitFor()
  await expectAccessible(page, 'servers that are looked for')
  await shoot(page, 'connect-looking')
  await dialog.getByRole('button', { name: 'Next' }).click()
  const imap = dialog.getByRole('group', { name: /IMAP/ })
  await expect.poll(() => imap.getByLabel('Host').inputValue()).toBe('imap.hoster.example')
  expect(await imap.getByLabel('User').inputValue()).toBe('anna@example.org')
  await dialog.getByRole('radio', { name: /mailbox\.org/ }).check()
  await expect.poll(() => imap.getByLabel('Host').inputValue()).toBe('imap.mailbox.org')
  await shoot(page, 'connect-several')
  await dialog.getByRole('button', { name: 'Back' }).click()
}

const googleClient = {
  RUSTYMAIL_OAUTH_GOOGLE_CLIENT_ID: 'google-client',
  RUSTYMAIL_OAUTH_GOOGLE_CLIENT_SECRET: 'secret',
}
const hasAll = [available('chromium'), available('dovecot')].every(Boolean)

describe.skipIf(!hasAll)('in Chromium', () => {
  let browser: Browser
  let dovecot: Dovecot

  beforeAll(async () => {
    ;[browser, dovecot] = await Promise.all([launchBrowser(), startDovecot()])
    return async () => {
      await Promise.all([browser.close(), dovecot.stop()])
    }
  })

  test('from the printed link to the first mail, with a wrong password on the way', async () => {
    const run = await startRustyMail({ isSetUp: false })
    const { page } = await visit(browser, run.setupLink)
    await expectAccessible(page, 'set-up')
    await page.getByLabel('Email').fill(administrator.email)
    await page.getByLabel('Name').fill(administrator.name)
    const password = page.getByLabel('Password', { exact: true })
    await password.fill('password1234')
    await page.getByRole('button', { name: 'Set up and sign in' }).click()
    await page
      .getByText(/would be guessed/)
      .first()
      .waitFor()
    await password.fill(administrator.password)
    await page.getByRole('button', { name: 'Set up and sign in' }).click()
    await page.getByRole('heading', { level: 1, name: 'Overview', exact: true }).waitFor()
    expect(new URL(page.url()).hash).toBe('')
    await page.getByRole('button', { name: 'Try the sandbox' }).waitFor()
    // Without an account there is no configuration to request.
    const refused: string[] = []
    page.on('response', response => void (response.status() >= 400 && refused.push(response.url())))
    await page.getByRole('link', { name: 'Configuration', exact: true }).click()
    await page.getByText('No default account yet').waitFor()
    expect(refused).toEqual([])
    await page.goBack()
    await page.getByRole('button', { name: 'Try the sandbox' }).waitFor()
    await page.getByRole('link', { name: 'Connect a mailbox' }).click()

    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Address').fill('alice@test.local')
    await dialog.getByLabel('Password', { exact: true }).fill('wrong')
    await dialog.getByRole('button', { name: 'Next' }).click()
    const imap = dialog.getByRole('group', { name: /IMAP/ })
    await imap.getByLabel('Host').fill('127.0.0.1')
    await imap.getByLabel('Port').fill(String(dovecot.imapsPort))
    await dialog.getByRole('switch', { name: /SMTP/ }).uncheck()
    await expectAccessible(page, 'connect wizard')
    await dialog.getByRole('button', { name: 'Test and connect' }).click()

    // Dovecot's own words, and the way back to the wrong field.
    await dialog.getByText(/authentication failed/i).waitFor()
    await expectAccessible(page, 'refused login')
    await keepPicture(page, 'connect-refused-light-1280')
    // The button is replaced while the test runs; the focus stays in the dialog.
    await dialog.getByRole('button', { name: 'Try again' }).click()
    const isInText = `document.activeElement.closest('dialog') !== null && !document.activeElement.matches('button')`
    await expect.poll(() => page.evaluate(isInText)).toBe(true)
    await dialog.getByText(/authentication failed/i).waitFor()
    expect(page.url()).not.toContain('wrong')
    await dialog.getByRole('button', { name: 'Change the settings' }).click()
    await imap.getByLabel('Password', { exact: true }).fill('pw-alice')
    await dialog.getByRole('button', { name: 'Test and connect' }).click()
    await dialog.getByText('Ready', { exact: true }).waitFor()
    await dialog.getByRole('link', { name: 'Change what is indexed' }).waitFor()
    await shoot(page, 'connected')
    await dialog.getByRole('link', { name: 'Read its mail' }).click()

    await page.getByRole('heading', { level: 1, name: 'Mail', exact: true }).waitFor()
    const text = 'From: Bob <bob@test.local>\nTo: alice@test.local\nSubject: Hello from Dovecot\n\nFirst words.\n'
    await dovecot.appendMessage('alice@test.local', text)
    await page.getByText('Hello from Dovecot').first().click()
    await page.getByRole('article', { name: 'The open message' }).getByText('First words.').waitFor()
    await page.goto(run.url)
    await page.getByText('All good').waitFor()
    await page
      .getByText(/new mail/i)
      .first()
      .waitFor()
    await page.getByText('Bob: Hello from Dovecot').waitFor()
    await keepPicture(page, 'overview-dovecot-light-1280')
  })

  test('a mailbox on a private network is opened where it was refused, listed, closed again, and opened from its account', async () => {
    const network = new NamedNetwork({ names: ['example.org'] })
    const discovery = await network.start()
    onTestFinished(() => network.stop())
    const run = await startHere({ environment: { RUSTYMAIL_PRIVATE_NETWORKS: '', ...googleClient }, discovery })
    const storageState = await signIn(browser, run.url)
    const { page } = await visit(browser, `${run.url}/accounts?connect=1`, { storageState })
    const dialog = page.getByRole('dialog')
    await findServers(page, network)
    await dialog.getByLabel('Address').fill('alice@test.local')
    await dialog.getByLabel('Password', { exact: true }).fill('pw-alice')
    await dialog.getByRole('button', { name: 'Next' }).click()
    const imap = dialog.getByRole('group', { name: /IMAP/ })
    await imap.getByLabel('Host').fill('127.0.0.1')
    await imap.getByLabel('Port').fill(String(dovecot.imapsPort))
    await dialog.getByRole('switch', { name: /SMTP/ }).uncheck()
    await dialog.getByRole('button', { name: 'Test and connect' }).click()
    await dialog.getByText('This server is on this machine or a private network').waitFor()
    await dialog.getByText('RUSTYMAIL_PRIVATE_NETWORKS=127.0.0.1/32', { exact: true }).waitFor()
    await expectAccessible(page, 'private network')
    await shoot(page, 'private-network')
    await dialog.getByRole('button', { name: 'Allow 127.0.0.1 and connect' }).click()
    await dialog.getByText('Ready', { exact: true }).waitFor()

    await page.goto(`${run.url}/configuration`)
    const list = page.getByRole('list', { name: 'Allowed networks' })
    await list.getByText('127.0.0.1', { exact: true }).waitFor()
    await page.getByLabel('Address or network').fill('8.8.8.8')
    await page.getByRole('button', { name: 'Allow', exact: true }).click()
    await page.getByText(/is not a private network or address/).waitFor()
    await page.getByLabel('Address or network').fill('192.168.1.7/24')
    await page.getByRole('button', { name: 'Allow', exact: true }).click()
    await list.getByText('192.168.1.0/24', { exact: true }).waitFor()
    await expectAccessible(page, 'private networks')
    await shoot(page, 'private-networks')
    await list.getByRole('button', { name: /^Remove.*127/ }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click()
    await list.getByText('127.0.0.1', { exact: true }).waitFor({ state: 'detached' })

    await page.goto(`${run.url}/accounts`)
    await page.getByText('This server is on this machine or a private network').waitFor()
    await page.getByRole('link', { name: 'alice@test.local' }).click()
    await page.getByRole('heading', { level: 1, name: 'alice@test.local' }).waitFor()
    await page.getByText('This server is on this machine or a private network').first().waitFor()
    await expectAccessible(page, 'account on a private network')
    await shoot(page, 'account-private-network')
    await page.getByRole('button', { name: 'Allow 127.0.0.1', exact: true }).click()
    await page.getByText('Ready', { exact: true }).waitFor()
    // Twelve screenshots, each after a full layout of the page.
  })

  test('a sandbox of an earlier run is shown as not running, and started again', async () => {
    const first = await startHere({ args: ['--demo'] })
    await first.stop()
    const run = await startHere({ dataDir: first.dataDir })
    const storageState = await signIn(browser, run.url)
    const { page } = await visit(browser, run.url, { storageState })
    await page.getByText('Not running', { exact: true }).waitFor()
    await expectAccessible(page, 'sandbox not running')
    await shoot(page, 'sandbox-parked-overview')
    await page.goto(`${run.url}/accounts`)
    await page.getByText('The sandbox stopped with the server').waitFor()
    await shoot(page, 'sandbox-parked-accounts')
    await page.getByRole('link', { name: 'Sandbox', exact: true }).click()
    await page.getByRole('button', { name: 'Start the sandbox' }).waitFor()
    expect(await page.getByRole('button', { name: /Verify now|Retry now/ }).count()).toBe(0)
    await page.goto(`${run.url}/mail`)
    await page.getByText('The sandbox is not running').waitFor()
    await page.getByRole('navigation', { name: 'Folders' }).getByText('Sandbox').waitFor()
    // Its index waits for the account, and nothing of it goes on.
    expect(await page.getByText('Indexing', { exact: true }).count()).toBe(0)
    await page.goto(run.url)
    await page.getByRole('button', { name: 'Start the sandbox again' }).waitFor()
    await page.goto(`${run.url}/mail`)
    await page.getByRole('button', { name: 'Start the sandbox again' }).click()
    await page.getByPlaceholder('Search mail').waitFor()
    await page.goto(run.url)
    await page.getByText('All good').waitFor()
    await page.getByText('Ready', { exact: true }).waitFor()
  })

  test('a set-up link that was used does not work, and says so', async () => {
    const run = await startHere()
    const { page } = await visit(browser, run.setupLink)
    await page
      .getByText(/already (set up|used)/i)
      .first()
      .waitFor()
    await expectAccessible(page, 'used set-up link')
  })

  test('when the link to the server dies the page says so within 2.5 heartbeats, keeps its figures, and comes back by itself', async () => {
    const dir = tempDir('live')
    const config = loadConfig([], { RUSTYMAIL_PORT: '0', RUSTYMAIL_DATA_DIR: join(dir.path, 'data') })
    const app = createApp(config, { passwordMemory, logger: createLogger('silent'), heartbeatSeconds: 1 })
    await app.start()
    const relay = await startRelay(Number(new URL(app.address).port))
    onTestFinished(async () => {
      await relay.stop()
      await app.stop()
      dir.remove()
    })
    const storageState = await signIn(browser, (await app.createSetupLink()) ?? '')
    const { page } = await visit(browser, `http://127.0.0.1:${relay.port}`, { storageState })
    const live = page.getByRole('button', { name: 'Live', exact: true })
    await live.waitFor()
    const tile = page.getByText('Uptime')
    await tile.waitFor()
    relay.silence()
    await live.waitFor({ state: 'detached' })
    expect(await tile.isVisible()).toBe(true)
    relay.resume()
    await live.waitFor()
    // More than all the timeouts above together.
  })
})

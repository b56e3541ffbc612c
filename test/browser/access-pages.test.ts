/** Users, tokens, sessions and the audit trail in a real browser: what an administrator does there takes effect immediately. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import type { Browser, Page } from 'playwright-core'
import { beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { api } from '../../contract/index.ts'
import { expectAccessible, expectNothingClipped, keepPicture, setScheme, turnTo, visit } from '../support/browser.ts'
import { startBrowserDemo } from '../support/browser-demo.ts'
import { callTool, connectMcp } from '../support/mcp-client.ts'
import { connectOAuth, TestClient } from '../support/oauth-client.ts'
import { People } from '../support/people.ts'
import { available } from '../support/require.ts'
import type { Served } from '../support/rustymail.ts'
import { administrator, type SignedIn, signIn } from '../support/signed-in.ts'
import { tempDir } from '../support/temp-dir.ts'

const password = 'nine green doors near the harbour'

describe.skipIf(!available('chromium'))('in Chromium', () => {
  let run: Served
  let browser: Browser
  let storageState: SignedIn
  let people: People
  /** A retried test may not reuse the names that a failed attempt left. */
  let names = 0

  beforeAll(async () => {
    const demo = await startBrowserDemo()
    ;({ run, browser, storageState } = demo)
    people = new People(run.url, storageState.cookies.map(({ name, value }) => `${name}=${value}`).join('; '))
    return demo.stop
  })
  beforeEach(async () => {
    for (const { id } of (await run.call(api.tokens.listTokens)).items) {
      await people.tell(people.admin, 'DELETE', api.tokens.revokeToken.path.replace('{token_id}', id))
    }
  })

  const open = async (path: string, heading: string) => {
    const { page } = await visit(browser, run.url + path, { storageState })
    await page.getByRole('heading', { level: 1, name: heading, exact: true }).waitFor()
    return page
  }
  const rowOf = (page: Page, text: string) => page.getByRole('row').filter({ hasText: text })
  const chooseMore = async (page: Page, row: string, action: string) => {
    await page.getByRole('button', { name: `More: ${row}` }).click()
    await page.getByRole('button', { name: action, exact: true }).click()
  }

  test('an invited user signs in by the link, sees what their role may, and is signed out when they are disabled', async () => {
    const name = `Grace ${++names}`
    const email = `grace-${names}@example.org`
    const page = await open('/users', 'Users')
    await page.getByRole('button', { name: 'Invite' }).click()
    await page.getByLabel('Name').fill(name)
    await page.getByLabel('Email').fill(email)
    await page.getByRole('checkbox', { name: 'All accounts' }).check()
    await page.getByRole('button', { name: 'Create the link' }).click()
    const link = await page.getByLabel(`Link for ${email}`).inputValue()
    await expectAccessible(page, 'the link of an invitation')
    await page.getByRole('button', { name: 'Done' }).click()
    await rowOf(page, name).getByText('Invited').waitFor()
    const { page: theirs } = await visit(browser, link)
    await theirs.getByLabel('Password', { exact: true }).fill(password)
    await theirs.keyboard.press('Enter')
    await theirs.getByRole('heading', { level: 1, name: 'Overview', exact: true }).waitFor()
    expect(await theirs.getByRole('link', { name: 'Users' }).count()).toBe(0)
    for (const path of ['/audit', '/settings/assistant']) {
      await theirs.goto(run.url + path)
      await theirs.getByText('Your role cannot open this page').waitFor()
    }
    await theirs.getByRole('button', { name: 'Live', exact: true }).waitFor()
    await chooseMore(page, name, 'Disable')
    await page.getByRole('dialog').getByRole('button', { name: 'Disable', exact: true }).click()
    await theirs.getByRole('heading', { name: /sign in/i }).waitFor()
    await theirs.getByText('Your access was disabled').waitFor()
    await expectAccessible(theirs, 'why one is signed out')
    // Other users are not told that.
    const { page: stranger } = await visit(browser, run.url)
    await stranger.getByLabel('Email').waitFor()
    expect(await stranger.getByText('was disabled').count()).toBe(0)
    await rowOf(page, name).getByText('Disabled').waitFor()
    await chooseMore(page, name, 'Delete')
    expect(await page.getByRole('dialog').innerText()).toMatch(/Grace[\s\S]*tokens stop working/)
    await page.getByRole('dialog').getByRole('button', { name: 'Delete', exact: true }).click()
    await rowOf(page, name).waitFor({ state: 'detached' })
  })

  test('a client asks to be connected: the user sees who it is, chooses what it gets, and finds it among the tokens', async () => {
    await people.tell(people.admin, 'PUT', api.mcpAuth.setMcpAuth.path, { enabled: false })
    const settings = await open('/configuration', 'Configuration')
    await settings.getByRole('checkbox', { name: 'Clients may connect with OAuth' }).click()
    await settings.getByLabel('Address for clients').waitFor()
    await expectAccessible(settings, 'OAuth is switched on')
    const client = new TestClient()
    const listener = createServer((_request, response) => response.end('back')).listen(0, '127.0.0.1')
    onTestFinished(() => void listener.close())
    await once(listener, 'listening')
    const { port } = listener.address() as AddressInfo
    client.redirectUrl = `http://127.0.0.1:${port}/callback`
    await connectOAuth(run.url, client).catch(() => undefined)
    const { page } = await visit(browser, client.asked!.href, { storageState })
    await page.getByRole('heading', { level: 1, name: 'Connect Test client?' }).waitFor()
    await page.getByText('Not verified').waitFor()
    await page.getByText(`127.0.0.1:${port}`, { exact: true }).waitFor()
    expect(await page.getByRole('radio', { name: 'Drafter' }).isChecked()).toBe(true)
    await page.getByRole('radio', { name: 'Reader' }).check()
    await page.getByLabel('Name').fill('Hosted helper')
    for (const scheme of ['light', 'dark'] as const) {
      await setScheme(page, scheme)
      for (const width of [1280, 390]) {
        await page.setViewportSize({ width, height: 900 })
        await expectNothingClipped(page, `a client asks ${width}`)
        await keepPicture(page, `consent-${scheme}-${width}`, { fullPage: true })
      }
      await expectAccessible(page, `a client asks, ${scheme}`)
    }
    await page.getByRole('button', { name: 'Connect' }).click()
    await page.getByText('back', { exact: true }).waitFor()
    const transport = new StreamableHTTPClientTransport(new URL('/mcp', run.url), { authProvider: client })
    await transport.finishAuth(new URL(page.url()).searchParams)
    const connected = await connectOAuth(run.url, client)
    expect((await connected.listTools()).tools.map(({ name }) => name)).toContain('mail_read')
    const tokens = await open('/tokens', 'Tokens')
    await rowOf(tokens, 'Hosted helper').getByText('OAuth client “Test client”').waitFor()
    await chooseMore(tokens, 'Hosted helper', 'Revoke')
    await tokens.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click()
    await rowOf(tokens, 'Hosted helper').waitFor({ state: 'detached' })
    await expect(connected.listTools()).rejects.toThrow()
    // The same link again: there is nothing to decide.
    await page.goto(`${run.url}/connect/${'x'.repeat(30)}`)
    await page.getByRole('heading', { level: 1, name: 'No open request' }).waitFor()
  })

  test('a reset takes the API tokens along when the box is ticked', async () => {
    const { email, proof } = await people.invite('viewer')
    const wanted = { name: 'Bot', scopes: ['dashboard:read'], accounts: [] }
    const { token } = await people.tell<{ token: string }>(proof, 'POST', api.tokens.createToken.path, wanted)
    const page = await open('/users', 'Users')
    const row = rowOf(page, email)
    await row.getByRole('button', { name: /^Reset/ }).click()
    await page.getByRole('checkbox', { name: 'Also revoke their API tokens (1)' }).check()
    await expectAccessible(page, 'a reset')
    await page.getByRole('button', { name: 'Reset', exact: true }).click()
    await page.getByLabel(`Link for ${email}`).waitFor()
    const bot = { authorization: `Bearer ${token}` }
    expect((await people.ask(bot, 'GET', api.access.getSession.path)).status).toBe(401)
  })

  test('what a token made is shown before it is revoked, and ended with it by one box, narrow and wide, light and dark', async () => {
    const { id, proof } = await people.token(['dashboard:admin'])
    const { items } = await run.call(api.tokens.listTokens)
    const { name } = items.find(token => token.id === id)!
    const made = [1, 2, 3, 4, 5, 6].map(
      number => `mole-${id}-${number}-of-a-rather-long-name@a-rather-long-domain.example.org`,
    )
    for (const email of made) {
      const wanted = { email, name: 'Mallory Molesworth', role: 'viewer', accounts: [] }
      await people.tell(proof, 'POST', api.users.inviteUser.path, wanted)
    }
    const page = await open('/tokens', 'Tokens')
    await chooseMore(page, name, 'Revoke')
    const box = page.getByRole('checkbox', { name: 'Also disable these 6 users' })
    await box.waitFor()
    for (const colorScheme of ['light', 'dark'] as const) {
      await setScheme(page, colorScheme)
      for (const width of [360, 1280]) {
        await page.setViewportSize({ width, height: 720 })
        const where = `revoking a token that made users, ${colorScheme}, ${width}`
        await expectAccessible(page, where)
        await expectNothingClipped(page, where)
      }
    }
    const words = await page.getByRole('list', { name: 'Users' }).innerText()
    expect(words).toContain(made[0])
    expect(words).toContain('Invited; invitation not accepted yet')
    await box.check()
    const asked: string[] = []
    page.on('request', request => asked.push(new URL(request.url()).pathname))
    await page.getByRole('button', { name: 'Revoke', exact: true }).click()
    await page.getByText('Revoked, and its users disabled').waitFor()
    await page.getByRole('dialog').waitFor({ state: 'hidden' })
    // Users are listed again, without those of the token: it is gone, and requesting them would log a refusal.
    expect(asked.filter(path => path.endsWith('/made'))).toEqual([])
    await page.goto(`${run.url}/users`)
    await rowOf(page, made[5]!).getByText('Disabled').waitFor()
    expect((await people.ask(proof, 'GET', api.access.getSession.path)).status).toBe(401)
  })

  test('the last administrator is told why they must stay', async () => {
    const page = await open('/users', 'Users')
    await chooseMore(page, administrator.name, 'Disable')
    await page.getByText('is the only administrator who can sign in').waitFor()
    await page.getByRole('button', { name: 'OK' }).click()
    await rowOf(page, administrator.email).getByText('Active').waitFor()
  })

  test('by keyboard alone a token is made; its secret works as the lines say until it is rotated, and the new one until it is revoked', async () => {
    const page = await open('/tokens', 'Tokens')
    await page.getByRole('button', { name: 'Create a token' }).focus()
    await page.keyboard.press('Enter')
    await page.getByRole('dialog').waitFor()
    await page.keyboard.type('Backup')
    await page.keyboard.press('Tab')
    // The first preset, which reads mail; then past the scopes to the only account, which is ticked already.
    await page.keyboard.press('Enter')
    const box = page.getByRole('group', { name: 'Accounts' }).getByRole('checkbox')
    const isAtBox = () => box.evaluate(element => element.matches(':focus'))
    for (let step = 0; step < 15 && !(await isAtBox()); step++) await page.keyboard.press('Tab')
    expect(await box.isChecked()).toBe(true)
    // Without an account a mail token is refused before the server is called.
    await page.keyboard.press('Space')
    await page.keyboard.press('Enter')
    await page.getByRole('alert').filter({ hasText: 'Select at least one account' }).waitFor()
    await box.focus()
    await page.keyboard.press('Space')
    await page.keyboard.press('Enter')
    const secret = await page.getByLabel('Secret of Backup').inputValue()
    await expectAccessible(page, 'the secret of a token')
    const lines = await page.locator('pre').filter({ hasText: 'curl -H' }).innerText()
    // Run in a shell, the displayed command lists the account's mail.
    const { stdout } = await promisify(execFile)('sh', ['-c', lines])
    expect(JSON.parse(stdout).items.length).toBeGreaterThan(0)
    const [, address] = /'(http[^']+)'/.exec(lines) ?? []
    const statusWith = async (token: string) => {
      const response = await fetch(address!, { headers: { Authorization: `Bearer ${token}` } })
      return response.status
    }
    expect(lines).toContain(`Authorization: Bearer ${secret}`)
    expect(await statusWith(secret)).toBe(200)
    await page.getByRole('button', { name: 'Cursor' }).click()
    const json = await page.locator('pre').filter({ hasText: '"mcpServers"' }).innerText()
    const { url, headers } = JSON.parse(json).mcpServers.rustymail
    const client = await connectMcp(new URL(url).origin, headers, '2025')
    expect((await callTool(client, 'mail_search', { q: 'is:unread' })).isError).toBe(false)
    const listening = await page.locator('pre').filter({ hasText: 'new EventSource(' }).innerText()
    expect(await firstLineOf(listening)).toMatch(/^welcome \{/)
    // It is shown this once, so only the button closes it.
    await page.keyboard.press('Escape')
    await page.keyboard.press('Escape')
    await page.mouse.click(5, 5)
    expect(await page.getByLabel('Secret of Backup').inputValue()).toBe(secret)
    expect(await page.getByRole('button', { name: 'Close' }).count()).toBe(0)
    await page.getByRole('button', { name: 'I have copied it' }).click()
    // By keyboard alone: the arrow keys move through the menu.
    const more = page.getByRole('button', { name: 'More: Backup' })
    await more.press('Enter')
    for (const key of ['ArrowDown', 'ArrowDown', 'Enter']) await page.keyboard.press(key)
    await page.getByRole('dialog').getByRole('button', { name: 'Rotate', exact: true }).click()
    const renewed = await page.getByLabel('Secret of Backup').inputValue()
    expect(await Promise.all([secret, renewed].map(statusWith))).toEqual([401, 200])
    await page.getByRole('button', { name: 'I have copied it' }).click()
    await more.click()
    await page.getByRole('button', { name: 'Revoke', exact: true }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke', exact: true }).click()
    await page.getByText('No tokens yet').waitFor()
    expect(await statusWith(renewed)).toBe(401)
    // A webhook has the rights of a token: without one its dialog links to where one is created.
    await page.goto(`${run.url}/tokens/webhooks`)
    await page.getByRole('button', { name: 'Create a webhook' }).click()
    await page.getByRole('link', { name: 'Create a token' }).click()
    await page.getByRole('dialog', { name: 'Create a token' }).waitFor()
  })

  test('a session that is ended is signed out in its own browser, and gone from the list', async () => {
    const other = await signIn(browser, run.url)
    const { page: theirs } = await visit(browser, run.url, { storageState: other })
    await theirs.getByRole('button', { name: 'Live', exact: true }).waitFor()
    const page = await open('/sessions', 'Sessions')
    const rows = page.getByRole('row').filter({ has: page.getByRole('button', { name: /^End: / }) })
    await rows.first().waitFor()
    const before = await rows.count()
    const end = rows.first().getByRole('button', { name: /^End: / })
    await end.click()
    await page.getByRole('button', { name: 'End the session' }).click()
    await expect.poll(() => rows.count()).toBe(before - 1)
    await theirs.getByRole('heading', { name: /sign in/i }).waitFor()
    await theirs.getByText('You ended this session from another browser').waitFor()
  })

  test('the trail shows what is done as it is done, keeps still under the pointer, is exported as filtered, and is whole', async () => {
    const page = await open('/audit', 'Audit')
    await page.getByRole('button', { name: 'Live', exact: true }).waitFor()
    const act = () =>
      run.call(api.accounts.listAccounts).then(({ items }) => run.send('POST', verifyPath(items[0]!.id)))
    await act()
    const first = page.locator('tbody tr').first()
    await first.getByText('Tested the servers of an account').waitFor()
    expect(await first.getByTitle('accounts.verifyAccount').isVisible()).toBe(true)
    await first.hover()
    const held = await first.innerText()
    await act()
    await page.getByRole('button', { name: /^Show \d+ new$/ }).waitFor()
    expect(await first.innerText()).toBe(held)
    await page.getByRole('button', { name: /^Show \d+ new$/ }).click()
    await expect.poll(() => first.innerText()).not.toBe(held)
    await page.getByRole('combobox', { name: 'Operation' }).fill('accounts.')
    await page.waitForURL(/operation=accounts\./)
    const downloading = page.waitForEvent('download')
    await page.getByRole('link', { name: 'JSON Lines' }).click()
    const operations = readFileSync(await (await downloading).path(), 'utf8')
      .trim()
      .split('\n')
      .map(line => JSON.parse(line).operation)
    expect(operations.length).toBeGreaterThanOrEqual(2)
    expect(operations.every(name => name.startsWith('accounts.'))).toBe(true)
    await page.getByRole('button', { name: 'Verify' }).click()
    await page.getByText('The trail is intact').waitFor()
    await page
      .getByRole('button', { name: /^Details/ })
      .first()
      .click()
    expect(await page.getByRole('dialog').innerText()).toMatch(/Input digest[\s\S]*Hash/)
    await expectAccessible(page, 'an entry of the trail')
  })

  test('a row of the trail says what it was done to and what came of it, and runs over nothing on a phone', async () => {
    const { userId, email } = await people.invite('viewer')
    const path = api.users.changeUser.path.replace('{user_id}', userId)
    await people.tell(people.admin, 'PATCH', path, { name: 'Grace Canary', role: 'operator', accounts: 'all' })
    // The API key is not a user.
    expect((await run.send('GET', api.profile.getProfile.path)).status).toBe(403)
    const wrong = { email, password: 'not that one' }
    expect((await run.send('POST', api.access.openSession.path, wrong)).status).toBe(401)
    const page = await open('/audit', 'Audit')
    const change = rowOf(page, 'Changed a user').first()
    await change.getByText('user Grace Canary').filter({ visible: true }).waitFor()
    await change.getByText('fields name, role, accounts').filter({ visible: true }).waitFor()
    await rowOf(page, 'Signed in with a password').first().getByText('Wrong password').waitFor()
    expect(await rowOf(page, 'Started a passkey sign-in').count()).toBe(0)
    await page.setViewportSize({ width: 360, height: 900 })
    await rowOf(page, 'Viewed their profile').first().getByText('Requires a signed-in user').waitFor()
    // The second line of a row is cut off with an ellipsis; nothing else may run over.
    const over = `[...document.querySelectorAll('td')]
      .filter(cell => cell.scrollWidth > cell.clientWidth && getComputedStyle(cell).textOverflow !== 'ellipsis')
      .map(cell => cell.innerText)`
    expect(await page.evaluate<string[]>(over)).toEqual([])
  })

  test('however long names and addresses are, what can be done to a row is in sight at every width', async () => {
    const email = `maximiliane.von-der-heide-${Date.now()}@marketing.example-company.org`
    const wanted = { email, name: 'Maximiliane von der Heide', role: 'operator', accounts: 'all' }
    await people.tell(people.admin, 'POST', api.users.inviteUser.path, wanted)
    const { items } = await run.call(api.accounts.listAccounts)
    await people.tell(people.admin, 'POST', api.tokens.createToken.path, {
      name: 'Nightly copy of all mail to the archive in the cellar',
      scopes: ['mail:read', 'dashboard:operate'],
      accounts: items.map(({ id }) => id),
      allowed_addresses: ['2001:db8:85a3::8a2e:370:7334', '10.0.0.0/8'],
    })
    const { page } = await visit(browser, run.url, { storageState })
    for (const [path, heading, action] of [
      ['/users', 'Users', /^More ?: Maximiliane/],
      ['/tokens', 'Tokens', /^More ?: Nightly/],
      ['/sessions', 'Sessions', /^Sign out ?: /],
      ['/clients', 'Clients', /^Disconnect /],
      ['/audit', 'Audit', /^Details ?: /],
    ] as const) {
      await turnTo(page, path)
      const button = page.getByRole('button', { name: action }).filter({ visible: true }).first()
      for (const width of [1920, 1280, 1240, 1152, 1024, 768, 640, 360]) {
        await page.setViewportSize({ width, height: 900 })
        await button.waitFor()
        await expectNothingClipped(page, `${heading} ${width}`)
      }
    }
  })
})

/** Returns the first output of a program pasted into a file, beside which the package is installed. */
async function firstLineOf(lines: string): Promise<string> {
  const dir = tempDir('pasted')
  onTestFinished(() => dir.remove())
  mkdirSync(join(dir.path, 'node_modules'))
  const require = createRequire(import.meta.url)
  const installed = dirname(dirname(require.resolve('eventsource')))
  symlinkSync(installed, join(dir.path, 'node_modules/eventsource'))
  writeFileSync(join(dir.path, 'listen.mjs'), lines)
  const program = spawn(process.execPath, ['listen.mjs'], { cwd: dir.path, stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(program, 'close')
  try {
    for await (const line of createInterface({ input: program.stdout })) return line
    throw new Error('the lines ended without a word')
  } finally {
    program.kill()
    await ended
  }
}

function verifyPath(accountId: string): string {
  return api.accounts.verifyAccount.path.replace('{account_id}', accountId)
}

/** Signing in and out in a real browser: set-up, password, second factor, passkey, invitation, list of sessions. */
import { join } from 'node:path'
import { Secret, TOTP } from 'otpauth'
import type { Browser, Page } from 'playwright-core'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { api } from '../../contract/index.ts'
import { expectAccessible, expectNothingClipped, keepPicture, launchBrowser, visit } from '../support/browser.ts'
import { available } from '../support/require.ts'
import { runHere, type Served, startHere } from '../support/rustymail.ts'
import { administrator, enter, signIn } from '../support/signed-in.ts'
import { tempDir } from '../support/temp-dir.ts'
import { addAuthenticator } from '../support/virtual-authenticator.ts'

const stepMs = 30_000

const heading = (page: Page, name: string) => page.getByRole('heading', { level: 1, name, exact: true }).waitFor()

async function givePassword(page: Page, password: string, email = administrator.email): Promise<void> {
  await page.getByLabel('Email').fill(email)
  await page.getByLabel('Password', { exact: true }).fill(password)
  await page.keyboard.press('Enter')
}

async function signOut(page: Page): Promise<void> {
  await page.getByRole('button', { name: /^Account of/ }).click()
  await page.getByRole('button', { name: 'Sign out', exact: true }).click()
  await heading(page, 'Sign in')
}

describe.skipIf(!available('chromium'))('in Chromium', () => {
  let browser: Browser
  let run: Served

  beforeAll(async () => {
    const dir = tempDir('sign-in')
    ;[browser, run] = await Promise.all([launchBrowser(), runHere({ dataDir: join(dir.path, 'data') })])
    await enter(run.url, new URL(run.setupLink).hash.slice(1))
    return async () => {
      await Promise.all([browser.close(), run.stop()])
      dir.remove()
    }
  })

  test('the set-up link makes the first administrator, who then comes and goes with a password', async () => {
    const fresh = await startHere({ isSetUp: false })
    const stranger = await visit(browser, fresh.url)
    await heading(stranger.page, 'Set up RustyMail')
    await expectAccessible(stranger.page, 'set-up is needed')

    const { page } = await visit(browser, fresh.setupLink)
    await heading(page, 'Set up RustyMail')
    expect(new URL(page.url()).hash).toBe('')
    await page.getByLabel('Email').fill(administrator.email)
    await page.getByLabel('Name').fill(administrator.name)
    const password = page.getByLabel('Password', { exact: true })
    await password.fill('too short')
    await page.keyboard.press('Enter')
    await page.getByText('Enter at least 12 characters').waitFor()
    // No strength is shown before the server has checked the password; its verdict appears in the same place.
    const judged: string[] = []
    page.on('request', request => void (request.method() === 'POST' && judged.push(request.url())))
    await password.fill('password1234')
    await page.getByText('Long enough. Its strength is checked when you submit it.').waitFor()
    expect(await page.locator('form .text-good').count()).toBe(0)
    expect(judged).toEqual([])
    await page.keyboard.press('Enter')
    await page
      .getByRole('alert')
      .filter({ hasText: /easy|common|guess/i })
      .waitFor()
    await expectAccessible(page, 'a common password')
    await password.fill(administrator.password)
    await page.keyboard.press('Enter')
    await heading(page, 'Overview')

    await signOut(page)
    expect(new URL(page.url()).pathname).toBe('/')
    await givePassword(page, 'not this one at all')
    await page.getByText('No user has this email and this password').waitFor()
    await expectAccessible(page, 'a wrong password')
    // Typing replaces the wrong value.
    await page.keyboard.type(administrator.password)
    await page.keyboard.press('Enter')
    await heading(page, 'Overview')

    await page.goto(fresh.setupLink)
    await heading(page, 'RustyMail is already set up')
  })

  test('a link opened in the tab of another one is taken without a reload, and nothing of the other one holds for it', async () => {
    const open = (page: Page, link: string) => page.evaluate(`void location.assign(${JSON.stringify(link)})`)
    const mark = (page: Page) => page.evaluate('void (globalThis.isSamePage = true)')
    const isSamePage = (page: Page) => page.evaluate('globalThis.isSamePage')

    const fresh = await startHere({ isSetUp: false })
    const { page } = await visit(browser, `${fresh.url}/setup#of-an-earlier-start`)
    await heading(page, 'Set up RustyMail')
    await mark(page)
    await page.getByLabel('Email').fill(administrator.email)
    await page.getByLabel('Name').fill(administrator.name)
    await page.getByLabel('Password', { exact: true }).fill(administrator.password)
    await page.keyboard.press('Enter')
    await heading(page, 'This link did not work')
    await open(page, fresh.setupLink)
    await heading(page, 'Set up RustyMail')
    expect(new URL(page.url()).hash).toBe('')
    expect(await page.getByLabel('Email').inputValue()).toBe(administrator.email)
    expect(await page.getByLabel('Password', { exact: true }).inputValue()).toBe('')
    await page.getByLabel('Password', { exact: true }).fill(administrator.password)
    await page.keyboard.press('Enter')
    await heading(page, 'Overview')
    expect(await isSamePage(page)).toBe(true)

    const invite = async (name: string) => {
      const body = { email: `${name}@example.com`, name, role: 'viewer', accounts: 'all' }
      return (await fresh.call(api.users.inviteUser, { body })).link
    }
    const [first, second] = [await invite('first'), await invite('second')]
    const stranger = await visit(browser, `${fresh.url}/invitation#used-long-ago`)
    await heading(stranger.page, 'This link does not work')
    await mark(stranger.page)
    await open(stranger.page, first)
    await heading(stranger.page, 'Welcome, first')
    await open(stranger.page, second)
    await heading(stranger.page, 'Welcome, second')
    expect(await stranger.page.getByLabel('Email').inputValue()).toBe('second@example.com')
    expect(new URL(stranger.page.url()).hash).toBe('')
    await stranger.page.getByLabel('Password', { exact: true }).fill('five grey herons on a wire')
    await stranger.page.keyboard.press('Enter')
    await heading(stranger.page, 'Overview')
    expect(await isSamePage(stranger.page)).toBe(true)
  })

  test('a set-up link that is not the newest says what to do', async () => {
    const fresh = await startHere({ isSetUp: false })
    const { page } = await visit(browser, `${fresh.url}/setup#an-older-one`)
    await page.getByLabel('Email').fill(administrator.email)
    await page.getByLabel('Name').fill(administrator.name)
    await page.getByLabel('Password', { exact: true }).fill(administrator.password)
    await page.keyboard.press('Enter')
    await heading(page, 'This link did not work')
    await page.getByText('Restart the server to get a new one').waitFor()
    await expectAccessible(page, 'a set-up link that is worth nothing')
  })

  test('an authenticator is set up with its picture, and asked for from then on', async () => {
    const fresh = await startHere()
    const { page, expectQuiet } = await visit(browser, `${fresh.url}/profile`, {
      storageState: await signIn(browser, fresh.setupLink),
    })
    await page.getByRole('button', { name: 'Set up an authenticator' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Current password', { exact: true }).fill(administrator.password)
    await page.keyboard.press('Enter')
    const pictureWidth = () => page.evaluate<number>("document.querySelector('dialog img')?.naturalWidth ?? 0")
    await expect.poll(pictureWidth).toBeGreaterThan(100)
    await expectAccessible(page, 'setting up an authenticator')
    await keepPicture(page, 'authenticator-light-1280')
    const totp = new TOTP({ secret: Secret.fromBase32((await dialog.locator('code').innerText()).replaceAll(' ', '')) })
    const setUpAt = Date.now()
    await dialog.getByLabel('Code').fill(totp.generate({ timestamp: setUpAt }))
    await page.keyboard.press('Enter')
    const shown = dialog.getByRole('list', { name: 'Recovery codes' }).getByRole('listitem')
    await shown.first().waitFor()
    const codes = await shown.allInnerTexts()
    expect(new Set(codes).size).toBe(10)
    await expectAccessible(page, 'recovery codes')
    const downloading = page.waitForEvent('download')
    await dialog.getByRole('button', { name: 'Download' }).click()
    expect((await downloading).suggestedFilename()).toBe('rustymail-recovery-codes.txt')
    await dialog.getByRole('button', { name: 'I have saved them' }).click()
    await page.getByText('10 recovery codes left').waitFor()
    expectQuiet()

    await signOut(page)
    await givePassword(page, administrator.password)
    await heading(page, 'Second step')
    const code = page.getByLabel('Code', { exact: true })
    expect(await code.getAttribute('autocomplete')).toBe('one-time-code')
    // A used code is rejected; this one was used to set it up.
    await code.fill(totp.generate({ timestamp: setUpAt }))
    await page.keyboard.press('Enter')
    await page.getByText('Wrong code').waitFor()
    await expectAccessible(page, 'a wrong code')
    await keepPicture(page, 'second-step-light-1280')
    // The first unused code, or the current one: on a busy machine the former has expired.
    const next = totp.generate({ timestamp: Math.max(setUpAt + stepMs, Date.now()) })
    await code.fill(`${next.slice(0, 3)} ${next.slice(3)}`)
    await page.keyboard.press('Enter')
    await heading(page, 'Overview')

    await signOut(page)
    await givePassword(page, administrator.password)
    await page.getByRole('button', { name: 'Use a recovery code' }).click()
    await page.getByLabel('Recovery code').fill(codes[0]!.toUpperCase())
    await page.keyboard.press('Enter')
    await heading(page, 'Overview')
    await page.goto(`${fresh.url}/profile`)
    await page.getByText('9 recovery codes left').waitFor()
  })

  test('somebody invited chooses a password, and is offered only what a viewer may do', async () => {
    const { link } = await run.call(api.users.inviteUser, {
      body: { email: 'vera@example.org', name: 'Vera Viewer', role: 'viewer', accounts: [] },
    })
    const { page } = await visit(browser, link)
    await heading(page, 'Welcome, Vera Viewer')
    expect(new URL(page.url()).hash).toBe('')
    expect(await page.getByLabel('Email').inputValue()).toBe('vera@example.org')
    await expectAccessible(page, 'invitation')
    await keepPicture(page, 'invitation-light-1280')
    await page.getByLabel('Password', { exact: true }).fill('eleven brass kettles sing')
    await page.keyboard.press('Enter')
    await heading(page, 'Overview')

    const pages = await page.getByRole('navigation', { name: 'Pages' }).getByRole('link').allInnerTexts()
    expect(pages).toContain('Clients')
    await page.getByText('No accounts are visible to you').waitFor()
    for (const closed of ['Mail', 'Assistant', 'Users', 'Audit']) expect(pages).not.toContain(closed)
    await page.goto(`${run.url}/users`)
    await page.getByText('Your role cannot open this page').waitFor()
    await page.getByRole('button', { name: 'Account of Vera Viewer' }).click()
    await page.getByText('Viewer', { exact: true }).waitFor()

    const again = await visit(browser, link)
    await heading(again.page, 'This link does not work')
    await expectAccessible(again.page, 'a used invitation')
  })

  test('a user who tries too often sees how long to wait, and can then go on', async () => {
    const { page } = await visit(browser, run.url)
    await heading(page, 'Sign in')
    const button = page.getByRole('button', { name: 'Sign in', exact: true })
    const waits = page.getByText(/You can try again in \d+ s/)
    for (let tries = 0; tries < 10 && !(await waits.isVisible()); tries++) {
      const answered = page.waitForResponse(response => response.request().method() === 'POST')
      await givePassword(page, 'wrong again and again', 'nobody@example.org')
      await answered
      await expect.poll(() => page.getByRole('alert').count()).toBe(1)
    }
    await waits.waitFor()
    expect(await button.isDisabled()).toBe(true)
    await expectAccessible(page, 'too many attempts')
    await page.getByText('You can try again now').first().waitFor()
    await expect.poll(() => button.isEnabled()).toBe(true)
  })

  test('a passkey is added, signs in without a password, and is removed with it', async () => {
    const url = run.url.replace('127.0.0.1', 'localhost')
    const { page, context } = await visit(browser, url)
    const devices = await context.newCDPSession(page)
    onTestFinished(() => devices.detach().catch(() => undefined))
    const authenticator = await addAuthenticator(devices)
    await givePassword(page, administrator.password)
    await heading(page, 'Overview')
    await page.goto(`${url}/profile`)
    await page.getByRole('button', { name: 'Add a passkey' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Name').fill('A key of this test')
    await dialog.getByLabel('Current password', { exact: true }).fill(administrator.password)
    await page.keyboard.press('Enter')
    await dialog.waitFor({ state: 'hidden' })
    await page.getByRole('button', { name: /^Remove ?: A key of this test/ }).waitFor()
    await expectAccessible(page, 'profile with a passkey')

    // Otherwise this device would answer the browser's autofill offer immediately.
    await authenticator.touches(false)
    const offered = page.waitForResponse(response => response.url().endsWith('/passkey/challenge'))
    await signOut(page)
    await offered
    await authenticator.touches(true)
    const asked = page.getByRole('button', { name: 'Sign in with a passkey' }).click()
    // The button is gone if the offer was accepted first.
    await Promise.all([asked.catch(() => undefined), heading(page, 'Overview')])
    await page.goto(`${url}/profile`)
    await page.getByText(/with a passkey, expires in/).waitFor()

    await page.getByRole('button', { name: /^Remove ?: A key of this test/ }).click()
    await dialog.getByLabel('Current password', { exact: true }).fill('not the password at all')
    await dialog.getByRole('button', { name: 'Remove' }).click()
    await dialog.getByText('This is not your current password.').waitFor()
    await expectAccessible(page, 'removing a passkey')
    await dialog.getByLabel('Current password', { exact: true }).fill(administrator.password)
    await dialog.getByRole('button', { name: 'Remove' }).click()
    await page.getByText('Passkey removed').waitFor()
    await page.getByRole('button', { name: /^Remove ?: A key of this test/ }).waitFor({ state: 'detached' })
  })

  test('a session is ended from another browser, and signing out everywhere ends this one too', async () => {
    const here = await visit(browser, run.url, { storageState: await signIn(browser, run.url) })
    const there = await visit(browser, `${run.url}/profile`, { storageState: await signIn(browser, run.url) })
    await heading(here.page, 'Overview')
    await heading(there.page, 'Profile')
    const others = there.page.getByRole('button', { name: /^End ?: / })
    await others.first().waitFor()
    for (let left = await others.count(); left > 0; left = await others.count()) {
      await others.first().click()
      await expect.poll(() => others.count()).toBe(left - 1)
    }
    // The open page is notified immediately.
    await heading(here.page, 'Sign in')
    await there.page.getByRole('button', { name: 'Sign out everywhere…' }).click()
    await there.page.getByRole('dialog').getByRole('button', { name: 'Sign out everywhere' }).click()
    await heading(there.page, 'Sign in')
  })

  // A page loaded at the narrowest width is widened, and one loaded at the widest is narrowed.
  test.each([
    ['light', [360, 768, 1024, 1280, 1920]],
    ['dark', [1920, 1280, 1024, 768, 360]],
  ] as const)('the door and the profile are whole and accessible in %s', async (scheme, widths) => {
    const first = { width: widths[0], scheme }
    const door = await visit(browser, `${run.url}/mail`, first)
    await heading(door.page, 'Sign in')
    const inside = await visit(browser, `${run.url}/profile`, {
      ...first,
      storageState: await signIn(browser, run.url),
    })
    await inside.page.getByText('This session').waitFor()
    for (const [name, { page }] of Object.entries({ 'sign-in': door, profile: inside })) {
      for (const width of widths) {
        await page.setViewportSize({ width, height: 900 })
        const where = `${name} ${width} ${scheme}`
        await expectNothingClipped(page, where)
        if (width === 360 || width === 1280) await expectAccessible(page, where)
        await keepPicture(page, `${name}-${scheme}-${width}`)
      }
    }
    inside.expectQuiet()
  })

  test('the console of the sign-in page stays empty once the browser is known to be signed out', async () => {
    const { page } = await visit(browser, run.url)
    await heading(page, 'Sign in')
    const said: string[] = []
    page.on('console', message => said.push(message.text()))
    await page.reload()
    await heading(page, 'Sign in')
    await givePassword(page, administrator.password)
    await heading(page, 'Overview')
    await page.reload()
    await heading(page, 'Overview')
    expect(said).toEqual([])
    await signOut(page)
    // Requests sent just before may still have been refused.
    said.length = 0
    await page.goto(`${run.url}/users`)
    await heading(page, 'Sign in')
    expect(said).toEqual([])
  })

  test('a link to a page leads there after signing in', async () => {
    const { page } = await visit(browser, `${run.url}/clients?kind=api`)
    await heading(page, 'Sign in')
    await givePassword(page, administrator.password)
    await heading(page, 'Clients')
    expect(page.url()).toBe(`${run.url}/clients?kind=api`)
  })
})

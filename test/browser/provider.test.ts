/** Sign-in through a provider in a real browser: it returns to the requested page, and rights follow on open pages. */
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { api } from '../../contract/index.ts'
import { callbackPath } from '../../server/oidc/oidc-service.ts'
import { expectAccessible, expectNothingClipped, keepPicture, launchBrowser, visit } from '../support/browser.ts'
import { startDovecot } from '../support/dovecot.ts'
import { MailAuthority, mailClientId, mailClientSecret } from '../support/mail-authority.ts'
import { OidcProvider, oidcClientId, oidcClientSecret } from '../support/oidc-provider.ts'
import { available } from '../support/require.ts'
import { runHere, type Served } from '../support/rustymail.ts'
import { enter, type SignedIn, signIn } from '../support/signed-in.ts'
import { tempDir } from '../support/temp-dir.ts'

const heading = (page: Page, name: string) => page.getByRole('heading', { level: 1, name, exact: true }).waitFor()

describe.skipIf(!available('chromium'))('in Chromium', () => {
  let browser: Browser
  let run: Served
  let provider: OidcProvider
  let administrator: SignedIn

  beforeAll(async () => {
    const dir = tempDir('provider')
    provider = await OidcProvider.start()
    const environment = {
      RUSTYMAIL_OIDC_ISSUER: provider.url,
      RUSTYMAIL_OIDC_CLIENT_ID: oidcClientId,
      RUSTYMAIL_OIDC_CLIENT_SECRET: oidcClientSecret,
      RUSTYMAIL_OIDC_NAME: 'Corp',
      RUSTYMAIL_OIDC_ROLES: 'crew=viewer,staff=operator',
    }
    ;[browser, run] = await Promise.all([launchBrowser(), runHere({ dataDir: join(dir.path, 'data'), environment })])
    provider.redirectUris.push(run.url + callbackPath)
    await enter(run.url, new URL(run.setupLink).hash.slice(1))
    administrator = await signIn(browser, run.url)
    return async () => {
      await Promise.all([browser.close(), run.stop()])
      await provider.close()
      dir.remove()
    }
  })

  const become = (subject: string, groups: string[]) => {
    provider.people.set(subject, { email: `${subject}@example.com`, email_verified: true, name: subject, groups })
  }
  const toProvider = async (page: Page) => {
    await page.getByRole('link', { name: 'Continue with Corp' }).click()
    await heading(page, 'The provider')
  }
  const giveLogin = async (page: Page, subject: string) => {
    await page.getByLabel('Login').fill(subject)
    await page.getByRole('button', { name: 'Sign in' }).click()
  }

  test('a user who stops on the way is told so where they wanted to go, and gets there at the next attempt', async () => {
    become('Ann', ['crew'])
    const { page } = await visit(browser, `${run.url}/clients?kind=api`)
    await toProvider(page)
    await page.getByRole('button', { name: 'Cancel' }).click()
    await page.getByText('Corp did not sign you in').waitFor()
    expect(page.url()).toBe(`${run.url}/clients?kind=api`)
    await expectAccessible(page, 'a sign-in that was stopped')
    await toProvider(page)
    await giveLogin(page, 'Ann')
    await heading(page, 'Clients')
    expect(page.url()).toBe(`${run.url}/clients?kind=api`)
  })

  test('a user without a password is led through the provider before they add a way to sign in, and back to the profile', async () => {
    become('Bea', ['crew'])
    const { page } = await visit(browser, `${run.url}/profile`)
    await toProvider(page)
    await giveLogin(page, 'Bea')
    await heading(page, 'Profile')
    // As ten minutes later.
    await page.route(`**${api.profile.beginTotp.path}`, route => {
      const [code, status] = ['recent_sign_in_required', 403]
      const body = { type: `/problems/${code}`, title: 'Sign in again first', status, detail: '', instance: '', code }
      return route.fulfill({ status, contentType: 'application/problem+json', body: JSON.stringify(body) })
    })
    await page.getByRole('button', { name: 'Set up an authenticator' }).click()
    await page.getByRole('button', { name: 'Next' }).click()
    const again = page.getByRole('link', { name: 'Sign in again with Corp' })
    await again.waitFor()
    await expectAccessible(page, 'a sign-in that is too old')
    await page.unroute(`**${api.profile.beginTotp.path}`)
    await again.click()
    // The provider still has a session, and does not prompt.
    await heading(page, 'Profile')
    await page.getByRole('button', { name: 'Set up an authenticator' }).click()
    await page.getByRole('button', { name: 'Next' }).click()
    await page.getByLabel('Code').waitFor()
  })

  test('an open page follows at once when its reader gets another role, and the list says who disabled them', async () => {
    become('Cleo', ['crew'])
    const { page } = await visit(browser, `${run.url}/clients`)
    await toProvider(page)
    await giveLogin(page, 'Cleo')
    await heading(page, 'Clients')
    const pages = page.getByRole('navigation', { name: 'Pages' })
    await page.getByRole('button', { name: 'Live', exact: true }).waitFor()
    expect(await pages.getByRole('link', { name: 'Mail' }).count()).toBe(0)
    const { items } = await run.call(api.users.listUsers)
    const cleo = items.find(({ name }) => name === 'Cleo')!
    await run.call(api.users.changeUser, { params: { user_id: cleo.id }, body: { role: 'operator' } })
    await pages.getByRole('link', { name: 'Mail' }).waitFor()

    become('Cleo', [])
    const elsewhere = await visit(browser, run.url)
    await toProvider(elsewhere.page)
    await giveLogin(elsewhere.page, 'Cleo')
    await elsewhere.page.getByText('You are not allowed to sign in yet').waitFor()
    await heading(page, 'Sign in')
    const users = await visit(browser, `${run.url}/users`, { storageState: administrator })
    const row = users.page.getByRole('row').filter({ hasText: 'cleo@example.com' })
    await row.getByText('by the sign-in provider').waitFor()
  })

  test.skipIf(!available('dovecot'))(
    'a mailbox is connected by signing in at its provider, and signs in again with one press when its access was revoked',
    async () => {
      const authority = await MailAuthority.start()
      const oauth = { introspectionUrl: authority.introspectionUrl, mechanisms: 'xoauth2' }
      const dovecot = await startDovecot({ oauth })
      onTestFinished(async () => {
        await dovecot.stop()
        await authority.close()
      })
      const user = 'alice@test.local'
      const { page } = await visit(browser, `${run.url}/configuration`, { storageState: administrator })
      const client = await addProvider(page, authority.url)
      authority.redirectUris.push(client)

      await page.goto(`${run.url}/accounts?connect=1`)
      const dialog = page.getByRole('dialog')
      await dialog.getByLabel('Address').fill(user)
      await dialog.getByLabel('Password', { exact: true }).fill('not needed')
      await dialog.getByRole('button', { name: 'Next' }).click()
      const imap = dialog.getByRole('group', { name: /IMAP/ })
      await imap.getByLabel('Host').fill('127.0.0.1')
      await imap.getByLabel('Port').fill(String(dovecot.imapsPort))
      await dialog.getByRole('switch', { name: /SMTP/ }).uncheck()
      await dialog.getByRole('button', { name: 'Sign in with Example Mail' }).waitFor()
      await expectAccessible(page, 'the offer to sign in')
      await shoot(page, 'oauth-offer')
      await dialog.getByRole('button', { name: 'Use another device' }).click()
      await dialog.getByText('enter:').waitFor()
      await shoot(page, 'oauth-device')
      await page.reload()
      await dialog.getByLabel('Address').fill(user)
      await dialog.getByLabel('Password', { exact: true }).fill('not needed')
      await dialog.getByRole('button', { name: 'Next' }).click()
      await imap.getByLabel('Host').fill('127.0.0.1')
      await imap.getByLabel('Port').fill(String(dovecot.imapsPort))
      await dialog.getByRole('switch', { name: /SMTP/ }).uncheck()
      await dialog.getByRole('button', { name: 'Sign in with Example Mail' }).click()
      await heading(page, 'The provider')
      await giveLogin(page, user)
      await dialog.getByText(`Connected: ${user}`).waitFor()
      expect(page.url()).toContain('/accounts?connect=1&sign_in=')
      await shoot(page, 'oauth-connected')
      await dialog.getByRole('button', { name: 'Done' }).click()

      const { items } = await run.call(api.accounts.listAccounts)
      const account = items.find(each => each.email === user)!
      await page.goto(`${run.url}/accounts/${account.id}`)
      await page.getByText('Granted for reading', { exact: true }).waitFor()
      await page.getByText('Ready', { exact: true }).first().waitFor()
      await expectAccessible(page, 'an account with a grant')
      await shoot(page, 'oauth-account')
      await authority.revoke(user)
      await run.call(api.accountHealth.reconnectAccount, { params: { account_id: account.id } })
      await page.getByText('The access was revoked or has expired. Sign in again.').first().waitFor()
      await page.reload()
      await page.getByText('Not signed in at the provider').waitFor()
      await page.getByText('Not retried until someone signs in again.').waitFor()
      await shoot(page, 'oauth-revoked')
      await page.getByRole('button', { name: 'Sign in again' }).click()
      // The provider still has a session, and does not prompt.
      await page.getByText('Signed in again', { exact: true }).waitFor()
      await page.getByText('Ready', { exact: true }).first().waitFor()
    },
  )

  /** @returns The redirect URI. */
  async function addProvider(page: Page, issuer: string): Promise<string> {
    await page.getByRole('button', { name: /Set up.*Google/ }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText('How to create a client').click()
    await expectAccessible(page, 'the client at Google')
    await shoot(page, 'oauth-google')
    await dialog.getByRole('button', { name: 'Cancel' }).click()
    await page.getByRole('button', { name: 'Add a provider' }).click()
    const fields = {
      ...{ Id: 'example', Name: 'Example Mail', 'Metadata URL': issuer, 'IMAP servers': '127.0.0.1' },
      ...{ 'SMTP servers': '127.0.0.1', 'Scopes for reading': 'mail.read' },
      ...{ 'Scopes for reading and sending': 'mail.read mail.send', 'Client id': mailClientId },
    }
    for (const [label, text] of Object.entries(fields)) await dialog.getByLabel(label, { exact: true }).fill(text)
    await dialog.getByLabel(/^Client secret/).fill(mailClientSecret)
    await shoot(page, 'oauth-provider')
    const uri = await dialog.getByLabel('Redirect URI').inputValue()
    await dialog.getByRole('button', { name: 'Save' }).click()
    await page.getByRole('button', { name: /Change.*Example Mail/ }).waitFor()
    await shoot(page, 'oauth-configuration')
    return uri
  }
})

/** Screenshots in both widths and both themes, to be looked at. */
async function shoot(page: Page, name: string): Promise<void> {
  for (const width of [1280, 390]) {
    await page.setViewportSize({ width, height: 900 })
    await expectNothingClipped(page, `${name} at ${width}`)
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      await keepPicture(page, `${name}-${colorScheme}-${width}`)
    }
  }
  await page.setViewportSize({ width: 1280, height: 900 })
  await page.emulateMedia({ colorScheme: 'light' })
}

/** Two people in one browser: all tabs show the user who signed in last, and the stream of the other has ended. */
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { api } from '../../contract/index.ts'
import { callbackPath, startPath } from '../../server/oidc/oidc-service.ts'
import { launchBrowser } from '../support/browser.ts'
import { OidcProvider, oidcClientId, oidcClientSecret } from '../support/oidc-provider.ts'
import { available } from '../support/require.ts'
import { runHere, type Served } from '../support/rustymail.ts'
import { administrator, enter, signIn } from '../support/signed-in.ts'
import { tempDir } from '../support/temp-dir.ts'

describe.skipIf(!available('chromium'))('in Chromium', () => {
  let browser: Browser
  let run: Served
  let provider: OidcProvider

  beforeAll(async () => {
    const dir = tempDir('two-people')
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
    return async () => {
      await Promise.all([browser.close(), run.stop()])
      await provider.close()
      dir.remove()
    }
  })
  const isLive = (page: Page) => page.getByRole('button', { name: 'Live', exact: true }).waitFor()
  const account = (page: Page, name: string) => page.getByRole('button', { name: `Account of ${name}` })

  const lacks = [
    ['with a shared worker', '', 1],
    ['without shared workers', 'delete globalThis.SharedWorker', 1],
    [
      'without locks',
      "delete globalThis.SharedWorker; Object.defineProperty(navigator, 'locks', { value: undefined })",
      2,
    ],
  ] as const

  async function openAsAdministrator(lack: string): Promise<{ page: Page; other: Page; cookie: string }> {
    const storageState = await signIn(browser, run.url)
    const context = await browser.newContext({ storageState })
    onTestFinished(() => context.close())
    await context.addInitScript({ content: lack })
    const page = await context.newPage()
    await page.goto(run.url)
    await isLive(page)
    await account(page, administrator.name).waitFor()
    const { name, value } = storageState.cookies[0]!
    return { page, other: await context.newPage(), cookie: `${name}=${value}` }
  }

  test.each(lacks)(
    '%s all tabs follow a user who signs in through the provider over a session of another',
    async (...[, lack, streams]) => {
      const { page, other, cookie } = await openAsAdministrator(lack)
      provider.people.set('Bob', { email: 'bob@example.com', email_verified: true, name: 'Bob', groups: ['crew'] })
      await other.goto(run.url + startPath)
      await other.getByLabel('Login').fill('Bob')
      await other.getByRole('button', { name: 'Sign in' }).click()
      for (const each of [other, page]) {
        await account(each, 'Bob').waitFor()
        await isLive(each)
      }
      // What the administrator saw is gone: Bob is a viewer.
      expect(await page.getByRole('link', { name: 'Users' }).count()).toBe(0)
      await expect.poll(async () => (await run.call(api.events.getStreamHealth)).streams).toBe(streams)
      expect((await fetch(run.url + api.access.getSession.path, { headers: { cookie } })).status).toBe(401)
    },
  )

  test.each(lacks)(
    '%s all tabs follow a user who accepts an invitation over a session of another',
    async (...[name, lack]) => {
      const { page, other, cookie } = await openAsAdministrator(lack)
      const email = `${name.replaceAll(' ', '-')}@example.com`
      const body = { email, name: 'Cleo', role: 'viewer', accounts: [] } as const
      const { link } = await run.call(api.users.inviteUser, { body })
      await other.goto(link)
      await other.getByLabel('Password', { exact: true }).fill('nine brown foxes under the bridge')
      await other.getByRole('button', { name: 'Save and sign in' }).click()
      for (const each of [other, page]) {
        await account(each, 'Cleo').waitFor()
        await isLive(each)
      }
      expect((await fetch(run.url + api.access.getSession.path, { headers: { cookie } })).status).toBe(401)
    },
  )
})

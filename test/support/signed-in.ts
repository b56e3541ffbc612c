/** A browser that the set-up link signed in. */
import type { Browser, BrowserContext } from 'playwright-core'

export type SignedIn = Awaited<ReturnType<BrowserContext['storageState']>>

/** Follows the link as a person does; answers what the browser keeps. */
export async function signIn(browser: Browser, setupLink: string): Promise<SignedIn> {
  const context = await browser.newContext()
  const page = await context.newPage()
  await page.goto(setupLink)
  await page.getByRole('heading', { level: 1, name: 'Overview', exact: true }).waitFor()
  const state = await context.storageState()
  await context.close()
  return state
}

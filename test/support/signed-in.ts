/** The administrator of a server under test: created by its set-up link the first time, signed in from then on. */
import type { Browser, BrowserContext } from 'playwright-core'
import { accessApi, SignInAnswer, SignInState } from '../../contract/access.ts'

export type SignedIn = Awaited<ReturnType<BrowserContext['storageState']>>

export const administrator = {
  email: 'admin@example.com',
  name: 'Ada Admin',
  password: 'seven quiet lamps by the river',
}

/** Returns the session cookie as a browser sends it. The set-up token is required while there is no administrator. */
export async function enter(url: string, setupToken?: string): Promise<string> {
  const send = (endpoint: { method: string; path: string }, body?: object) =>
    fetch(new URL(endpoint.path, url), {
      method: endpoint.method,
      ...(body ? { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) } : {}),
    })
  const { setup_needed } = SignInState.parse(await (await send(accessApi.getSignInState)).json())
  const { name: _name, ...credentials } = administrator
  const answer = setup_needed
    ? await send(accessApi.setUp, { setup_token: setupToken, ...administrator })
    : await send(accessApi.openSession, credentials)
  const text = await answer.text()
  if (answer.status !== 201) throw new Error(`nobody came in at ${url}: ${answer.status} ${text}`)
  if (!setup_needed && SignInAnswer.parse(JSON.parse(text)).status !== 'signed_in') {
    throw new Error('the administrator of the test has a second factor')
  }
  return answer.headers.getSetCookie()[0]!.split(';')[0]!
}

/**
 * Returns what a browser keeps of the session. @param link The set-up link, or any address of the server once it is set
 * up.
 */
export async function signIn(browser: Browser, link: string): Promise<SignedIn> {
  const { origin, hash } = new URL(link)
  const [name, value] = (await enter(origin, hash.slice(1))).split('=') as [string, string]
  const context = await browser.newContext()
  await context.addCookies([{ name, value, url: origin, httpOnly: true, sameSite: 'Lax' }])
  const state = await context.storageState()
  await context.close()
  return state
}

/**
 * A real browser creates a passkey and signs in with it; the authenticator is Chromium's virtual one, the rest is as
 * shipped.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { createLogger } from '../../server/platform/logger.ts'
import { Problem } from '../../server/platform/problem.ts'
import { PasskeyService } from '../../server/profile/passkey-service.ts'
import { PasskeyStore } from '../../server/users/passkey-store.ts'
import { UserStore } from '../../server/users/user-store.ts'
import { aUser } from '../support/a-user.ts'
import { launchBrowser, visit } from '../support/browser.ts'
import { memoryDatabase } from '../support/databases.ts'
import { available } from '../support/require.ts'
import { addAuthenticator } from '../support/virtual-authenticator.ts'

/** Both ceremonies, as any page runs them: the service's JSON in, the browser's JSON out. */
const script = `
  const ask = async (path, body) => (await fetch(path, { method: 'POST', body: JSON.stringify(body ?? {}) })).json()
  window.add = async () => {
    const { challenge_id, options } = await ask('/begin-adding')
    const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options)
    const response = (await navigator.credentials.create({ publicKey })).toJSON()
    return ask('/finish-adding', { challenge_id, name: 'Virtual', response })
  }
  window.signIn = async () => {
    const { challenge_id, options } = await ask('/begin')
    const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options)
    const response = (await navigator.credentials.get({ publicKey })).toJSON()
    const answer = { challenge_id, response }
    return [await ask('/finish', answer), await ask('/finish', answer)]
  }`

describe.skipIf(!available('chromium'))('in a real browser', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launchBrowser()
  })
  afterAll(() => browser?.close())

  test('a passkey is made, found without a user name, counts up, and signs in once for each challenge', async () => {
    const { url, user, passkeys } = await startPage()
    const { page, authenticator } = await openPage(browser, url)
    const added = await page.evaluate('add()')
    expect(added).toMatchObject({ name: 'Virtual', last_used_at: null })
    const challengeUsed = { code: 'challenge_invalid' }
    expect(await page.evaluate('signIn()')).toMatchObject([{ id: user.id }, challengeUsed])
    expect(await page.evaluate('signIn()')).toMatchObject([{ id: user.id }, challengeUsed])
    const [kept] = await authenticator.credentials()
    expect(kept).toMatchObject({ isResidentCredential: true, rpId: 'localhost' })
    expect(kept!.signCount).toBeGreaterThan(0)
    expect((await passkeys.list(user.id))[0]!.last_used_at).not.toBeNull()
  })

  test('the browser does not make a second passkey on the same device, nor one without a PIN or finger', async () => {
    const { url } = await startPage()
    const { page, authenticator } = await openPage(browser, url)
    await page.evaluate('add()')
    await expect(page.evaluate('add()')).rejects.toThrow(/InvalidStateError/)
    await authenticator.verifies(false)
    await expect(page.evaluate('signIn()')).rejects.toThrow(/NotAllowedError/)
  })
})

/** Serves a page on localhost, where browsers allow passkeys without TLS. */
async function startPage() {
  const db = await memoryDatabase()
  const users = new UserStore(db)
  const user = aUser()
  await users.insert(user)
  let port = 0
  const passkeys = new PasskeyService({
    store: new PasskeyStore(db),
    users,
    origin: () => `http://localhost:${port}`,
    now: Date.now,
    logger: createLogger('silent'),
  })
  const session = 'session-1'
  const answers: Record<string, (body: never, origin: string | undefined) => Promise<unknown>> = {
    '/begin-adding': (_body, origin) => passkeys.beginAdding(session, user, origin),
    '/finish-adding': async body => passkeys.keep(await passkeys.finishAdding(session, user, body), db),
    '/begin': () => passkeys.beginSignIn(),
    '/finish': body => passkeys.finishSignIn(body),
  }
  const server = createServer(async (request, response) => {
    const answer = answers[request.url ?? '']
    if (!answer)
      return response.setHeader('content-type', 'text/html').end(`<title>Passkeys</title><script>${script}</script>`)
    const said = await answer(JSON.parse(await text(request)) as never, request.headers.origin).catch(error => error)
    return response.end(JSON.stringify(said instanceof Problem ? said.toBody('test') : said))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  port = address.port
  return { url: `http://localhost:${port}`, user, passkeys }
}

async function openPage(browser: Browser, url: string) {
  const { page, context } = await visit(browser, url)
  return { page, authenticator: await addAuthenticator(await context.newCDPSession(page)) }
}

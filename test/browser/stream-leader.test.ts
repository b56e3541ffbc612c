/** One stream per browser without shared workers: the tab that holds the lock has it, and another takes over. */
import type { Browser, Page } from 'playwright-core'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { api } from '../../contract/index.ts'
import { launchBrowser } from '../support/browser.ts'
import { available } from '../support/require.ts'
import { apiKey, type Served, startHere } from '../support/rustymail.ts'
import { signIn } from '../support/signed-in.ts'

describe.skipIf(!available('chromium'))('in Chromium', () => {
  let browser: Browser

  beforeAll(async () => {
    browser = await launchBrowser()
    return () => browser.close()
  })

  const isLive = (page: Page) => page.getByRole('button', { name: 'Live', exact: true }).waitFor()
  const streams = async (run: Served) => (await run.call(api.events.getStreamHealth)).streams

  /** Opens tabs of one browser that lacks a feature; the first one loads first. */
  async function openTabs(run: Served, count: number, lack: string) {
    const context = await browser.newContext({ storageState: await signIn(browser, run.setupLink) })
    onTestFinished(() => context.close())
    await context.addInitScript({ content: lack })
    // The server still has the stream of the tab that signed in.
    await expect.poll(() => streams(run)).toBe(0)
    const tabs: Page[] = []
    for (let tab = 0; tab < count; tab++) {
      const page = await context.newPage()
      await page.goto(run.url)
      await isLive(page)
      tabs.push(page)
    }
    return { context, tabs }
  }

  test('without shared workers three tabs share one stream, and when its tab closes another goes on behind the last event', async () => {
    const run = await startHere()
    const { context, tabs } = await openTabs(run, 3, 'delete globalThis.SharedWorker')
    const [leader, ...others] = tabs as [Page, Page, Page]
    expect((await run.call(api.metrics.getStats)).active_sse_connections).toBe(1)
    await leader.getByText(/shared with 3 tabs/).waitFor({ state: 'attached' })
    await others[1].getByText(/shared with 3 tabs/).waitFor({ state: 'attached' })

    const headers = { authorization: `Bearer ${apiKey}`, 'user-agent': 'newcomer/1.0' }
    await fetch(`${run.url}/api/dashboard/stats`, { headers })
    for (const page of tabs)
      await page
        .getByText(/newcomer/)
        .first()
        .waitFor()
    const newest = (await run.call(api.events.listFacts, { query: { limit: '1' } })).items[0]!.id
    const taken = context.waitForEvent('request', request => request.url().endsWith('/api/dashboard/events'))
    await leader.close()
    expect((await taken).headers()['last-event-id']).toBe(newest)
    for (const page of others) {
      await page.getByText(/shared with 2 tabs/).waitFor({ state: 'attached' })
      await isLive(page)
    }
    await expect.poll(() => streams(run)).toBe(1)

    // Later events reach both: the tab with the stream and the one that listens to it.
    const uptime = (page: Page) => page.getByRole('region', { name: 'Uptime' }).innerText()
    const before = await Promise.all(others.map(uptime))
    await expect
      .poll(async () => (await Promise.all(others.map(uptime))).every((text, tab) => text !== before[tab]))
      .toBe(true)
  })

  test('a page asks for nothing twice while its stream opens, and loses no fact that came in between', async () => {
    const run = await startHere()
    const { context, tabs } = await openTabs(run, 1, 'delete globalThis.SharedWorker')
    const page = tabs[0]!
    await page.goto('about:blank')
    const asked: string[] = []
    context.on('request', request => asked.push(new URL(request.url()).pathname))
    // The stream is held back until the page has its responses, and something has happened since.
    const isAsked = Promise.withResolvers<void>()
    const mayGo = Promise.withResolvers<void>()
    await page.route('**/api/dashboard/events', async route => {
      isAsked.resolve()
      await mayGo.promise
      await route.continue()
    })
    await page.goto(`${run.url}/tokens`)
    await page.getByText('No tokens yet').waitFor()
    await isAsked.promise
    const made = await context.request.post(run.url + api.tokens.createToken.path, {
      headers: { origin: run.url },
      data: { name: 'Between', scopes: ['dashboard:read'], accounts: [] },
    })
    expect(made.status()).toBe(201)
    const replayed = async () => (await run.call(api.events.getStreamHealth)).replayed_facts ?? 0
    const replayedBefore = await replayed()
    const before = asked.length
    mayGo.resolve()
    await isLive(page)
    expect(await replayed()).toBeGreaterThan(replayedBefore)
    await page.getByText('Between').first().waitFor()
    const again = asked.slice(before).filter(path => path.startsWith('/api/'))
    expect([...new Set(again)].toSorted()).toEqual([api.access.getSession.path, api.tokens.listTokens.path])
  })

  test('a tab that goes elsewhere hands the stream on, and shares it again when it is back', async () => {
    const run = await startHere()
    const { tabs } = await openTabs(run, 2, 'delete globalThis.SharedWorker')
    const [leader, other] = tabs as [Page, Page]
    await leader.goto('about:blank')
    await other.getByText(/shared with 1 tab/).waitFor({ state: 'attached' })
    await isLive(other)
    await leader.goBack()
    await isLive(leader)
    await other.getByText(/shared with 2 tabs/).waitFor({ state: 'attached' })
    await expect.poll(() => streams(run)).toBe(1)
  })

  test('signing out in one tab ends the stream for all, also where another tab holds it', async () => {
    const run = await startHere()
    const { tabs } = await openTabs(run, 2, 'delete globalThis.SharedWorker')
    await tabs[1]!.getByRole('button', { name: /^Account of/ }).click()
    await tabs[1]!.getByRole('button', { name: 'Sign out', exact: true }).click()
    for (const page of tabs) await page.getByRole('heading', { name: 'Sign in', exact: true }).waitFor()
    await expect.poll(() => streams(run)).toBe(0)
  })

  test('without locks too, each tab has a stream of its own', async () => {
    const run = await startHere()
    const lack = "delete globalThis.SharedWorker; Object.defineProperty(navigator, 'locks', { value: undefined })"
    const { tabs } = await openTabs(run, 2, lack)
    await tabs[0]!.getByText('this tab only').waitFor({ state: 'attached' })
    expect(await streams(run)).toBe(2)
  })
})

/** The System page: its figures are the server's, and its doctor detects a proxy that buffers events. */
import { once } from 'node:events'
import { createServer, request as send } from 'node:http'
import type { AddressInfo } from 'node:net'
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
import { available } from '../support/require.ts'
import { startHere } from '../support/rustymail.ts'
import { signIn } from '../support/signed-in.ts'

/** A proxy that forwards the event stream only every few seconds. */
async function startHoldingProxy(target: string, everyMs: number): Promise<string> {
  const server = createServer((request, response) => {
    const onward = send(target + request.url, { method: request.method, headers: request.headers }, answer => {
      response.writeHead(answer.statusCode!, answer.headers).flushHeaders()
      if (!request.url!.startsWith('/api/dashboard/events')) return answer.pipe(response)
      let held: Buffer[] = []
      answer.on('data', (piece: Buffer) => held.push(piece))
      const timer = setInterval(() => {
        for (const piece of held) response.write(piece)
        held = []
      }, everyMs)
      return response.once('close', () => {
        clearInterval(timer)
        answer.destroy()
      })
    })
    onward.once('error', () => response.destroy())
    request.pipe(onward)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

describe.skipIf(!available('chromium'))('in Chromium', () => {
  let browser: Browser

  beforeAll(async () => {
    browser = await launchBrowser()
    return () => browser.close()
  })

  const examine = async (page: Page) => {
    await page.getByRole('button', { name: 'Run' }).click()
    await page.getByText(/^Tested at/).waitFor()
  }
  const finding = (page: Page, title: string) => page.getByRole('listitem').filter({ hasText: `${title}:` })

  test('its figures are those of the API, and a good connection is called good', async () => {
    const run = await startHere()
    const { page, expectQuiet } = await visit(browser, `${run.url}/system`, {
      storageState: await signIn(browser, run.setupLink),
    })
    const figure = (label: string) =>
      page
        .locator('dl > div')
        .filter({ has: page.getByText(label, { exact: true }) })
        .locator('dd > span')
        .first()
    const agrees = async () => {
      const { streams, log, replays } = await run.call(api.events.getStreamHealth)
      const shown = await Promise.all(
        ['Open', 'Log', 'Replays'].map(async label => (await figure(label).innerText()).match(/\d+/)?.[0]),
      )
      return JSON.stringify(shown) === JSON.stringify([streams, log!.facts, replays].map(String))
    }
    // The page polls every 5 s.
    await expect.poll(agrees, { interval: 200 }).toBe(true)
    // Nothing is shown before it is measured, except what this browser's own stream tells.
    expect(await page.getByRole('heading', { level: 3 }).allInnerTexts()).toEqual([
      expect.stringMatching(/^Idle disconnects: /),
    ])
    await examine(page)
    for (const title of ['Content type', 'Buffering', 'Compression', 'Clocks']) {
      expect(await finding(page, title).innerText()).toMatch(/An event stream|as they are sent|Not compressed|agree/)
    }
    expect(await finding(page, 'Idle disconnects').innerText()).toContain('Too early to tell')
    expect(await finding(page, "The browser's six connections").innerText()).toContain('HTTP/1.1')
    // The doctor's own stream is closed again.
    await expect.poll(async () => (await run.call(api.events.getStreamHealth)).streams).toBe(1)
    expectQuiet()
  })

  test('a proxy that holds events back is found, and the lines that fix it can be copied', async () => {
    const run = await startHere()
    const storageState = await signIn(browser, run.setupLink)
    const url = await startHoldingProxy(run.url, 4_000)
    const { page, context } = await visit(browser, `${url}/system`, { storageState })
    await context.grantPermissions(['clipboard-write', 'clipboard-read'])
    await examine(page)
    const buffering = finding(page, 'Buffering')
    expect(await buffering.innerText()).toContain('Events are buffered')
    expect(await buffering.innerText()).toContain('proxy_buffering off;')
    await buffering.getByRole('button', { name: 'Copy the lines for Caddy' }).click()
    await buffering.getByText('Copied', { exact: true }).waitFor({ state: 'attached' })
    expect(await page.evaluate<string>('navigator.clipboard.readText()')).toContain('reverse_proxy 127.0.0.1:9437')
    // Results stay on the page: viewed in both schemes, and measured once.
    for (const scheme of ['light', 'dark'] as const) {
      await setScheme(page, scheme)
      for (const width of [360, 1280]) {
        await page.setViewportSize({ width, height: 900 })
        await expectNothingClipped(page, `doctor ${width}`)
        await expectAccessible(page, `doctor ${width} ${scheme}`)
        await keepPicture(page, `doctor-${scheme}-${width}`, { fullPage: true })
      }
    }
    expect(await buffering.innerText()).toContain('Events are buffered')
  })

  test('the log is followed, filtered by the address, paused and read by keys', async () => {
    const run = await startHere({ logOutput: { write: () => undefined } })
    const storageState = await signIn(browser, run.setupLink)
    const { page, expectQuiet } = await visit(browser, `${run.url}/logs`, { storageState })
    const lines = page.locator('button[data-line]')
    const failed = lines.filter({ hasText: 'a sign-in failed' })
    const failOnce = () =>
      run.send('POST', api.access.openSession.path, { email: 'eve@b.test', password: 'never right' })
    await lines.filter({ hasText: 'a session was opened' }).first().waitFor()
    await failOnce()
    await failed.first().waitFor()
    await page.keyboard.press('p')
    await page.getByRole('button', { name: 'Resume' }).waitFor()
    await failOnce()
    await expect
      .poll(async () => (await run.call(api.logs.listLogs, { query: { q: 'sign-in failed' } })).items.length)
      .toBe(2)
    expect(await failed.count()).toBe(1)
    await page.keyboard.press('p')
    await expect.poll(() => failed.count()).toBe(2)

    await page.keyboard.press('j')
    await page.keyboard.press('o')
    await page.getByText('address', { exact: true }).waitFor()
    expect(await lines.first().getAttribute('aria-expanded')).toBe('true')
    // Lines being read stay in place; new ones wait.
    await failOnce()
    await page.getByRole('button', { name: /^Show \d+ new$/ }).click()
    await expect.poll(() => failed.count()).toBe(3)

    await page.getByRole('searchbox', { name: 'Text' }).fill('session opened')
    await expect.poll(() => new URL(page.url()).searchParams.get('q')).toBe('session opened')
    await expect.poll(() => failed.count()).toBe(0)
    await page.getByRole('button', { name: 'Warning' }).click()
    await page.getByText('No matching line').waitFor()
    expect(new URL(page.url()).search).toBe('?q=session+opened&level=warn')
    await page.getByRole('button', { name: 'Show all' }).click()
    await expect.poll(() => failed.count()).toBe(3)
    await lines.first().click()
    for (const width of [360, 1280]) {
      await page.setViewportSize({ width, height: 900 })
      await expectNothingClipped(page, `log ${width}`)
      await expectAccessible(page, `log ${width}`)
      await keepPicture(page, `log-${width}`, { fullPage: true })
    }
    expectQuiet()
  })
})

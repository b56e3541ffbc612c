/** Every page in a real browser, light and dark, narrow and wide: nothing clipped, nothing broken, no axe violation. */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { api } from '../../contract/index.ts'
import type { DashboardStats } from '../../contract/metrics.ts'
import { formatBytes, formatCount, formatDuration, formatMinute, formatNumber } from '../../web/platform/format.ts'
import {
  expectAccessible,
  expectNothingClipped,
  isOutside,
  keepPicture,
  setScheme,
  turnTo,
  visit,
} from '../support/browser.ts'
import { browserDemo } from '../support/browser-demo.ts'
import { chooseNames } from '../support/chosen-names.ts'
import { startNoticeStandIn } from '../support/notice-stand-ins.ts'
import { available } from '../support/require.ts'

const pages = {
  Overview: '/',
  Mail: '/mail',
  Agents: '/agents',
  Playground: '/agents/playground',
  Clients: '/clients',
  Accounts: '/accounts',
  Assistant: '/assistant',
  Configuration: '/configuration',
  'Assistant settings': '/settings/assistant',
  System: '/system',
  Logs: '/logs',
  Users: '/users',
  Tokens: '/tokens',
  Sessions: '/sessions',
  Changes: '/changes',
  Alerts: '/alerts',
  Notifiers: '/alerts/notifiers',
  Webhooks: '/tokens/webhooks',
  Audit: '/audit',
}
const builtPage = join(import.meta.dirname, '../../dist/web')

/** Content of each tile: its figure, its unit, and the line below. */
const tiles: Record<string, (stats: DashboardStats) => string> = {
  'IMAP connections': ({ active_connections: open, imap }) =>
    `${formatNumber(open)} open ${open - imap.busy - imap.idle} watching, ${imap.busy} busy, ${imap.idle} idle`,
  Requests: stats =>
    `${formatNumber(stats.requests_per_minute)} per min ${formatCount(stats.active_sse_connections, 'stream')} open`,
  'Response, p95': ({ requests_per_minute: requests, response_time_ms: { p95 }, average_response_time_ms: average }) =>
    requests > 0 ? `${formatNumber(p95)} ms average ${formatNumber(average)} ms` : '– no request in the last minute',
  CPU: stats => `${formatNumber(stats.system_cpu_usage)} % RustyMail ${formatNumber(stats.process.cpu_percent)} %`,
  Memory: stats => `${formatNumber(stats.system_memory_usage)} % RustyMail ${formatBytes(stats.process.rss_bytes)}`,
  Uptime: ({ uptime_seconds: seconds, sampled_at: at }) =>
    `${formatDuration(seconds)} since ${formatMinute(Date.parse(at) - seconds * 1000)}`,
}

describe.skipIf(!available('chromium'))('in Chromium', () => {
  const demo = browserDemo()

  const isLive = (page: Page) => page.getByRole('button', { name: 'Live', exact: true }).waitFor()
  const isLoaded = async (page: Page, name: string) => {
    await page.getByRole('heading', { level: 1, name, exact: true }).waitFor()
    // Skeletons are announced to screen readers.
    const loading = page.getByRole('status').filter({ hasText: /^\s*Loading/, visible: true })
    await expect.poll(() => loading.allInnerTexts()).toEqual([])
  }

  // A page loaded at the narrowest width is widened, and one loaded at the widest is narrowed.
  test.each([
    ['light', [360, 768, 1024, 1280, 1920]],
    ['dark', [1920, 1280, 1024, 768, 360]],
  ] as const)('every page is whole and accessible in %s', async (scheme, widths) => {
    const { page, expectQuiet } = await visit(demo.browser, demo.run.url, {
      width: widths[0],
      scheme,
      storageState: demo.storageState,
    })
    await isLive(page)
    // Reduced motion: nothing transitions, not even inherited colours, which would take a frame per level.
    expect(await page.evaluate('getComputedStyle(document.body).transitionDuration')).toBe('0s')
    for (const [name, path] of Object.entries(pages)) {
      await page.setViewportSize({ width: widths[0], height: 900 })
      // By URL, and in dark mode through links: a full reload costs as much as all checks of a page.
      if (scheme === 'light') await page.goto(demo.run.url + path)
      else await turnTo(page, path)
      await isLoaded(page, name)
      for (const width of widths) {
        await page.setViewportSize({ width, height: 900 })
        const where = `${name} ${width} ${scheme}`
        await expectNothingClipped(page, where)
        if (width === 360 || width === 1280) await expectAccessible(page, where)
        await keepPicture(page, `${name.toLowerCase()}-${scheme}-${width}`)
      }
    }
    expectQuiet()
  })

  test('the figures on the page are those of the API', async () => {
    const { page } = await visit(demo.browser, demo.run.url, { storageState: demo.storageState })
    await isLoaded(page, 'Overview')
    await isLive(page)
    // The page's figures are of the last sample, one every 5 s, and the API's are current: so the page must show what
    // the API returned at some moment since the first request.
    const said = new Set<string>()
    const neverSaid = async () => {
      const stats = await demo.run.call(api.metrics.getStats)
      for (const [label, words] of Object.entries(tiles)) said.add(`${label} ${words(stats)}`)
      const sections = await page.locator('main section[aria-label]').allInnerTexts()
      const shown = sections.map(text => text.replaceAll(/\s+/g, ' ').trim())
      const ofTile = (label: string) => shown.find(text => text.startsWith(`${label} `)) ?? `no tile ${label}`
      return Object.keys(tiles)
        .map(ofTile)
        .filter(text => !said.has(text))
    }
    await expect.poll(neverSaid, { interval: 50 }).toEqual([])
  })

  test('the first load is at most 150 kB of JavaScript', async () => {
    const { page, context } = await visit(demo.browser, 'about:blank', { storageState: demo.storageState })
    const scripts = new Set<string>()
    context.on('request', request => {
      const { pathname } = new URL(request.url())
      if (pathname.endsWith('.js')) scripts.add(pathname)
    })
    await page.goto(demo.run.url)
    await isLoaded(page, 'Overview')
    await isLive(page)
    // The script of a shared worker is loaded outside of any page.
    const worker = globSync('assets/stream-worker-*.js', { cwd: builtPage })
    expect(worker).toHaveLength(1)
    scripts.add(`/${worker[0]}`)
    const sizes = Object.fromEntries(
      [...scripts].map(path => [path, gzipSync(readFileSync(join(builtPage, path)), { level: 9 }).length]),
    )
    expect(Object.keys(sizes).some(path => path.includes('overview-page'))).toBe(true)
    const total = Object.values(sizes).reduce((sum, size) => sum + size, 0)
    expect(total, JSON.stringify(sizes)).toBeLessThanOrEqual(150_000)
  })

  test('ten tabs share one stream', async () => {
    const { context } = await visit(demo.browser, demo.run.url, { storageState: demo.storageState })
    for (let tab = 1; tab < 10; tab++) {
      const page = await context.newPage()
      await page.goto(demo.run.url)
      await isLive(page)
    }
    // The previous test's stream may still be closing; ten leaked ones would stay.
    await expect.poll(async () => (await demo.run.call(api.metrics.getStats)).active_sse_connections).toBe(1)
  })

  test('a message of a stranger is shown without asking anybody outside, and stays unread', async () => {
    const accountId = (await demo.run.call(api.accounts.listAccounts)).items[0]!.id
    const params = { account_id: accountId }
    const { items } = await demo.run.call(api.mail.listMessages, { params, query: { limit: '100' } })
    const messages = await Promise.all(
      items.map(item => demo.run.call(api.mail.getMessage, { params: { ...params, ref: item.ref } })),
    )
    const newsletter = messages.find(message => message.html?.includes('<img') && message.html.includes('http'))!
    const { page, context } = await visit(demo.browser, demo.run.url, { storageState: demo.storageState })
    // Requests that reach the network, where they are stopped; those that the frame's policy blocks are not among them.
    const left: string[] = []
    await context.route(
      url => isOutside(url, demo.run.url),
      route => {
        left.push(route.request().url())
        return route.abort()
      },
    )
    await page.goto(`${demo.run.url}/mail?account=${accountId}&folder=INBOX&message=${newsletter.ref}`)
    await page.getByRole('heading', { name: newsletter.subject }).first().waitFor()
    const frame = page.locator('iframe')
    await frame.waitFor()
    expect(await frame.getAttribute('sandbox')).not.toContain('allow-scripts')
    expect(await frame.getAttribute('sandbox')).not.toContain('allow-same-origin')
    await expect.poll(() => page.frames().at(-1)!.locator('body').innerText()).not.toBe('')
    await keepPicture(page, 'message-light-1280')
    const again = await demo.run.call(api.mail.getMessage, { params: { ...params, ref: newsletter.ref } })
    expect(again.flags).toEqual(newsletter.flags)
    // By now every picture of the frame has been blocked, or has sent its request.
    await page.frames().at(-1)!.waitForLoadState('load')
    expect(left).toEqual([])
    await page.getByRole('button', { name: 'Load remote content' }).click()
    await expect.poll(() => left.length).toBeGreaterThan(0)
  })

  test('an account is diagnosed from its page, and an anonymous report is saved', async () => {
    const account = (await demo.run.call(api.accounts.listAccounts)).items[0]!
    const { page, expectQuiet } = await visit(demo.browser, `${demo.run.url}/accounts/${account.id}`, {
      width: 1280,
      storageState: demo.storageState,
    })
    await page.getByRole('link', { name: /^Diagnose/ }).click()
    await isLoaded(page, 'Diagnosis')
    const verdict = page.getByRole('region', { name: 'Verdict' })
    await verdict.waitFor()
    expect(await verdict.innerText()).toContain('Everything works.')
    const greeting = page.getByRole('listitem').filter({ hasText: 'Greeting' }).first()
    await greeting.getByText('Details').click()
    expect(await greeting.innerText()).toContain('* OK')
    await page.getByText(/^\d+ lines?, without/).click()
    for (const colorScheme of ['light', 'dark'] as const) {
      await setScheme(page, colorScheme)
      for (const width of [1280, 390]) {
        await page.setViewportSize({ width, height: 900 })
        const where = `Diagnosis ${width} ${colorScheme}`
        await expectNothingClipped(page, where)
        await expectAccessible(page, where)
        await keepPicture(page, `diagnosis-${colorScheme}-${width}`, { fullPage: true })
      }
    }
    const saved = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Download report' }).click()
    const report = readFileSync(await (await saved).path(), 'utf8')
    expect(report).toContain('imap login')
    expect(report).not.toContain(account.email)
    expectQuiet()
  })

  test('a notifier is added by keyboard, and a test shows exactly what came back', async () => {
    const slack = await startNoticeStandIn('slack')
    const { page, expectQuiet } = await visit(demo.browser, `${demo.run.url}/alerts/notifiers`, {
      width: 1280,
      storageState: demo.storageState,
    })
    await isLoaded(page, 'Notifiers')
    await page.getByRole('button', { name: 'Add a notifier' }).focus()
    await page.keyboard.press('Enter')
    const form = page.getByRole('dialog', { name: 'Add a notifier' })
    for (const colorScheme of ['light', 'dark'] as const) {
      await setScheme(page, colorScheme)
      await expectAccessible(page, `A new notifier ${colorScheme}`)
      await keepPicture(page, `notifier-mail-${colorScheme}`)
    }
    await form.getByRole('button', { name: 'Add', exact: true }).press('Enter')
    await form.getByText('Enter at least one address.').waitFor()
    expect(await form.getByRole('alert').allInnerTexts()).toEqual([
      ...['Enter a name.', 'Enter at least one address.', 'Choose an account.'],
    ])
    await form.getByLabel('Kind').selectOption({ label: 'Slack' })
    await form.getByLabel('Name').fill('Team chat')
    await form.getByLabel('Address', { exact: true }).fill((slack.target as { url: string }).url)
    await form.getByText('Rules: all').click()
    await form.getByLabel('Internal errors').check()
    await expectAccessible(page, 'A notifier of Slack')
    await keepPicture(page, 'notifier-slack-dark')
    await form.getByLabel('Name').press('Enter')
    await form.waitFor({ state: 'hidden' })
    await page.getByRole('button', { name: 'Test: Team chat' }).click()
    const tested = page.getByRole('dialog', { name: 'Test Team chat' })
    await tested.getByText('Answered 200: ok').waitFor()
    expect(slack.taken[0]!.text).toContain('This is a test of the notifier Team chat.')
    slack.ways.push('refuse')
    await tested.getByRole('button', { name: 'Test again' }).click()
    await tested.getByText('Answered 404: no_service').waitFor()
    await keepPicture(page, 'notifier-test-dark')
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Deliveries: Team chat' }).click()
    const log = page.getByRole('dialog', { name: 'Deliveries by Team chat' })
    await expect
      .poll(() => log.getByText(/Answered/).allInnerTexts())
      .toEqual(['Answered 404: no_service', 'Answered 200: ok'])
    await page.keyboard.press('Escape')
    // The address is not sent back, and is kept if the field stays empty.
    await page.getByRole('button', { name: 'Edit: Team chat' }).click()
    const edit = page.getByRole('dialog', { name: 'Edit Team chat' })
    expect(await edit.getByLabel('Address', { exact: true }).inputValue()).toBe('')
    await edit.getByLabel('Name').fill('Chat of the team')
    await edit.getByRole('button', { name: 'Save' }).click()
    await edit.waitFor({ state: 'hidden' })
    for (const [colorScheme, width] of [
      ['dark', 390],
      ['light', 1280],
    ] as const) {
      await setScheme(page, colorScheme)
      await page.setViewportSize({ width, height: 900 })
      const where = `Notifiers ${width} ${colorScheme}`
      await expectNothingClipped(page, where)
      await expectAccessible(page, where)
      await keepPicture(page, `notifiers-${colorScheme}-${width}`)
    }
    await page.getByRole('button', { name: 'Test: Chat of the team' }).click()
    await page.getByText('Answered 200: ok').waitFor()
    expect(slack.faults).toEqual([])
    expectQuiet()
    // Email sent by an account, over its own SMTP server and login.
    const account = (await demo.run.call(api.accounts.listAccounts)).items[0]!
    const target = { kind: 'email', to: ['ops@example.org'], account_id: account.id }
    const { notifier } = await demo.run.call(api.notifiers.createNotifier, { body: { name: 'Mail', target } as never })
    const params = { notifier_id: notifier.id }
    expect(await demo.run.call(api.notifiers.testNotifier, { params })).toMatchObject({
      outcome: 'delivered',
      status: 250,
    })
  })

  test('by keyboard alone one gets from page to page', async () => {
    const { page } = await visit(demo.browser, demo.run.url, { storageState: demo.storageState })
    await isLoaded(page, 'Overview')
    const focused = () => page.evaluate<string>("document.activeElement?.innerText?.trim() ?? ''")
    await page.keyboard.press('Tab')
    expect(await focused()).toBe('Skip to the content')
    for (let step = 0; step < 15 && (await focused()) !== 'Clients'; step++) await page.keyboard.press('Tab')
    expect(await focused()).toBe('Clients')
    await page.keyboard.press('Enter')
    await isLoaded(page, 'Clients')
  })

  test('a client is found by its URL, and disconnecting it asks first', async () => {
    const { page } = await visit(demo.browser, `${demo.run.url}/clients?kind=api`, { storageState: demo.storageState })
    await isLoaded(page, 'Clients')
    await page
      .getByRole('button', { name: /disconnect/i })
      .first()
      .click()
    const dialog = page.getByRole('dialog')
    await dialog.waitFor()
    expect(await dialog.innerText()).toMatch(/127\.0\.0\.1/)
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'hidden' })
    const { clients } = await demo.run.call(api.clients.listClients, { query: { kind: 'api' } })
    expect(clients).toHaveLength(1)
  })

  test('names and words that anybody chose are words on every page, however long they are', async () => {
    const active = `"><img src=x onerror="window.hit=1"><svg onload=window.hit=1>`
    const name = (most: number) => `${active}${'W'.repeat(100)}`.slice(0, most)
    const places = await chooseNames(demo.run, demo.storageState, name)
    const { page, context } = await visit(demo.browser, demo.run.url, { width: 360, storageState: demo.storageState })
    const heard: string[] = []
    // The browser logs 502 responses, which one account's mail server causes.
    page.on('console', message => {
      if (!message.text().includes('status of 502')) heard.push(message.text())
    })
    context.on('request', request => {
      if (isOutside(request.url(), demo.run.url)) heard.push(request.url())
    })
    await isLive(page)
    const shown = new Set<string>()
    for (const [title, path] of [...Object.entries(pages), ...places]) {
      await turnTo(page, path)
      await isLoaded(page, title)
      for (const width of [360, 1280]) {
        await page.setViewportSize({ width, height: 900 })
        await expectNothingClipped(page, `${title} ${width}`)
      }
      if ((await page.locator('main').innerText()).includes('onerror=')) shown.add(title)
    }
    expect(await page.evaluate('window.hit')).toBeUndefined()
    const expected = [
      'Agents',
      'Accounts',
      'Users',
      'Tokens',
      'Notifiers',
      'Webhooks',
      'Assistant settings',
      'Assistant',
    ]
    expect([...shown]).toEqual(expect.arrayContaining(expected))
    expect(heard).toEqual([])
  })
})

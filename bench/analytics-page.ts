/** The history page in Chromium: how long a chart takes to render, and what the page costs while it updates itself. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BrowserContext, CDPSession, Page } from 'playwright-core'
import { createApp } from '../server/app.ts'
import { loadConfig } from '../server/config.ts'
import { HistoryMaintenance } from '../server/history/history-maintenance.ts'
import { HistoryStore } from '../server/history/history-store.ts'
import { SeriesNumbers } from '../server/history/series-numbers.ts'
import { openServerDatabase } from '../server/platform/database/database.ts'
import { DatabaseHealth } from '../server/platform/database/database-health.ts'
import { createLogger } from '../server/platform/logger.ts'
import { launchBrowser } from '../test/support/browser-launch.ts'
import { signIn } from '../test/support/signed-in.ts'
import { fillYear, sourcesOf } from './history-year.ts'
import { died } from './log-postgres.ts'
import { apiKey, median, round, unlimited } from './measure.ts'

const seconds = Number(process.env.SECONDS_EACH ?? 30)
const ranges = ['1h', '24h', '7d', '30d', '1y'] as const

export async function analyticsPage(): Promise<object> {
  const dataDir = mkdtempSync(join(tmpdir(), 'rustymail-bench-'))
  try {
    await (await start(dataDir)).app.stop()
    await fill(dataDir)
    const { app, link } = await start(dataDir)
    try {
      return { what, target: 'a chart in 50 ms; live at most 3 % of the main thread', ...(await measured(link)) }
    } finally {
      await app.stop()
    }
  } finally {
    rmSync(dataDir, { recursive: true, force: true })
  }
}

const what =
  `Chromium, 1440 x 900, the history of 50 accounts and 50 principals behind a year. drawing: ms from the data of a chart to its pixels, of all charts of a range. live: ${seconds} s ` +
  'without a hand at it, in percent of the page’s main thread: its processor time (all tasks), which a busy machine changes little; overview: the same of the page Overview'

async function start(dataDir: string) {
  const environment = { RUSTYMAIL_PORT: '0', RUSTYMAIL_DATA_DIR: dataDir, RUSTYMAIL_API_KEY: apiKey }
  const app = createApp(loadConfig([], { ...unlimited, ...environment }), { logger: createLogger('warn') })
  await app.start()
  return { app, link: (await app.createSetupLink()) ?? app.address }
}

async function fill(dataDir: string): Promise<void> {
  const now = Math.floor(Date.now() / 60_000) * 60
  const db = openServerDatabase({ url: `sqlite:${dataDir}/rustymail.db`, observer: new DatabaseHealth(), died })
  const store = new HistoryStore(db)
  const numbers = new SeriesNumbers(store)
  await numbers.start()
  await fillYear({ store, numbers }, sourcesOf(50, 50), now)
  await new HistoryMaintenance({ store, numbers, writer: 0 }).maintain(now)
  await db.destroy()
}

async function measured(link: string): Promise<object> {
  const browser = await launchBrowser()
  try {
    const storageState = await signIn(browser, link)
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, storageState })
    const { origin } = new URL(link)
    const drawing: Record<string, object> = {}
    for (const range of ranges) drawing[range] = await drawn(context, `${origin}/analytics?range=${range}&charts=all`)
    const live: Record<string, object> = {}
    for (const range of ['1h', '24h'] as const) live[range] = await lived(context, `${origin}/analytics?range=${range}`)
    live.overview = await lived(context, origin)
    return { drawing, live }
  } finally {
    await browser.close()
  }
}

/** Waits for all charts; each is rendered when it comes near the viewport. */
async function drawn(context: BrowserContext, url: string): Promise<object> {
  const page = await context.newPage()
  await page.goto(url)
  await page.getByRole('slider').first().waitFor()
  const charts = page.locator('[id^="chart-"]')
  for (let chart = 0; chart < (await charts.count()); chart++) {
    await charts.nth(chart).scrollIntoViewIfNeeded()
    await charts.nth(chart).locator('canvas').waitFor()
  }
  const times = await page.evaluate<number[]>(
    'performance.getEntriesByType("measure").filter(({ name }) => name.startsWith("chart ")).map(({ duration }) => duration)',
  )
  await page.close()
  return { charts: times.length, median_ms: round(median(times)), longest_ms: round(Math.max(...times)) }
}

async function lived(context: BrowserContext, url: string): Promise<object> {
  const page = await context.newPage()
  const devtools = await context.newCDPSession(page)
  await devtools.send('Performance.enable', { timeDomain: 'threadTicks' })
  await page.goto(url)
  await page.getByRole('button', { name: 'Live', exact: true }).waitFor()
  // The initial load and rendering do not count as the cost of updates.
  await pass(page, 10)
  const before = await taskSeconds(devtools)
  const began = performance.now()
  await pass(page, seconds)
  const used = (await taskSeconds(devtools)) - before
  const percent = (used * 100_000) / (performance.now() - began)
  await page.close()
  return { main_thread_percent: round(percent) }
}

function pass(page: Page, length: number): Promise<void> {
  return page.waitForTimeout(length * 1000)
}

async function taskSeconds(devtools: CDPSession): Promise<number> {
  const { metrics } = await devtools.send('Performance.getMetrics')
  return metrics.find(({ name }) => name === 'TaskDuration')?.value ?? 0
}

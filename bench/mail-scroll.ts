/**
 * A list of 100,000 messages in Chromium, scrolled by wheel: while older rows load, and with all of them loaded. Frames
 * as the page counts them, rows that were missing in a shown frame, and the page's main-thread CPU time per frame,
 * which other load does not change.
 */
import { join } from 'node:path'
import type { BrowserContext, CDPSession, Page } from 'playwright-core'
import { launchBrowser } from '../test/support/browser-launch.ts'
import { signIn } from '../test/support/signed-in.ts'
import { withIndexedApp } from './indexed-app.ts'
import { round } from './measure.ts'

const messages = Number(process.env.MESSAGES ?? 100_000)
const seconds = Number(process.env.SECONDS_EACH ?? 5)
/** Wheel distance of a fast scroll: about 100 px every 16 ms. */
const notch = 100
const pictures = process.env.PICTURES

export async function mailScroll(): Promise<object> {
  return withIndexedApp(messages, async ({ link, accountId }) => ({
    what,
    messages,
    ...(await measure(link, accountId)),
  }))
}

const what =
  `Chromium, 1440 x 900, ${seconds} s of wheel each at ${notch} px a notch: ms between frames, ms of the processor that the page's main thread takes a frame (all tasks), and frames ` +
  'in which rows were missing. bare: an empty box of the same height; threads, first_rows: from the top of lists that grow; last_rows: at its end, while the last ones are loaded; middle: with all loaded'

async function measure(link: string, accountId: string): Promise<object> {
  const browser = await launchBrowser()
  try {
    const storageState = await signIn(browser, link)
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, storageState })
    const origin = new URL(link).origin
    const [page, devtools] = await open(context, `${origin}/mail?account=${accountId}`)
    await page.locator('a[data-ref]').first().waitFor()
    const threads = await scrolling(page, devtools, 'threads')
    await page.goto(`${origin}/mail?account=${accountId}&list=messages`)
    await page.locator('a[data-ref]').first().waitFor()
    const firstRows = await scrolling(page, devtools, 'first')
    const loading = await toEnd(page, devtools)
    const lastRows = await scrolling(page, devtools, 'last')
    await loadAll(page)
    await jump(page, 0.5)
    const middle = await scrolling(page, devtools, 'middle')
    await page.close()
    const floor = await scrolling(...(await open(context, 'about:blank', bare)), 'bare')
    return {
      bare: floor,
      threads,
      first_rows: firstRows,
      loading,
      last_rows: lastRows,
      middle,
      target: '60 fps: 16.7 ms',
    }
  } finally {
    await browser.close()
  }
}

async function open(context: BrowserContext, url: string, content?: string): Promise<[Page, CDPSession]> {
  const page = await context.newPage()
  const devtools = await context.newCDPSession(page)
  // CPU time instead of wall-clock time, since the machine is shared.
  await devtools.send('Performance.enable', { timeDomain: 'threadTicks' })
  await page.goto(url)
  if (content !== undefined) await page.setContent(content)
  return [page, devtools]
}

/** An empty box as high as the list: the baseline of this machine and browser. */
const bare = `<section aria-label="Messages"><div style="height: 800px; overflow-y: auto">
  <ul style="position: relative; margin: 0; height: ${messages * 76}px"><li data-index="0"><a data-ref href="#">row</a></li></ul>
</div></section>`

interface Seen {
  times: number[]
  missing: number
  rows: number
  long: number[]
}

/** Frame statistics of the page itself, taken after each frame. */
const watch = `(() => {
  const list = document.querySelector('a[data-ref]').closest('ul').parentElement
  const seen = { times: [], missing: 0, rows: 0, long: [] }
  const after = new MessageChannel()
  after.port1.onmessage = () => {
    const rows = [...list.querySelectorAll('li[data-index]')].map(row => row.getBoundingClientRect())
    const box = list.getBoundingClientRect()
    const end = list.querySelector('ul').getBoundingClientRect().bottom
    let covered = box.top
    for (const { top, bottom } of rows.sort((one, other) => one.top - other.top)) if (top <= covered + 1) covered = Math.max(covered, bottom)
    if (covered < Math.min(box.bottom, end) - 1) seen.missing++
    seen.rows = Math.max(seen.rows, rows.length)
  }
  const observer = new PerformanceObserver(entries => { for (const { duration } of entries.getEntries()) seen.long.push(duration) })
  observer.observe({ type: 'longtask' })
  let running = true
  const frame = now => {
    if (!running) return
    seen.times.push(now)
    after.port2.postMessage(0)
    requestAnimationFrame(frame)
  }
  requestAnimationFrame(frame)
  globalThis.stopWatching = () => { running = false; observer.disconnect(); return seen }
})()`

async function scrolling(page: Page, devtools: CDPSession, name: string): Promise<object> {
  const box = (await page.getByRole('region', { name: 'Messages', exact: true }).boundingBox())!
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2)
  await page.evaluate(watch)
  const before = await figures(devtools)
  const began = performance.now()
  let notches = 0
  while (performance.now() - began < seconds * 1000) {
    await page.mouse.wheel(0, notch)
    if (pictures && ++notches % 60 === 0)
      await page.screenshot({ path: join(pictures, `scroll-${name}-${notches}.png`) })
    await new Promise(resolve => setTimeout(resolve, 16))
  }
  const after = await figures(devtools)
  const seen = await page.evaluate<Seen>('stopWatching()')
  const gaps = seen.times.slice(1).map((time, index) => time - seen.times[index]!)
  const of = (name: string) => round(((after[name]! - before[name]!) * 1000) / gaps.length)
  return {
    frames: gaps.length,
    frame_ms: { p50: at(gaps, 0.5), p95: at(gaps, 0.95) },
    dropped: gaps.reduce((sum, gap) => sum + Math.max(0, Math.round(gap / (1000 / 60)) - 1), 0),
    ...(name !== 'bare' && { frames_with_missing_rows: seen.missing }),
    most_rows_drawn: seen.rows,
    long_tasks: seen.long.length,
    longest_task_ms: round(Math.max(0, ...seen.long)),
    main_thread_cpu_ms_a_frame: of('TaskDuration'),
    of_that: { script: of('ScriptDuration'), style: of('RecalcStyleDuration'), layout: of('LayoutDuration') },
    loaded: await page.locator('li[data-index]').last().getAttribute('aria-setsize'),
  }
}

/** Jumps to the end repeatedly, like a user who drags the scrollbar down and holds it, except for the last rows. */
async function toEnd(page: Page, devtools: CDPSession): Promise<object> {
  const before = await figures(devtools)
  const began = performance.now()
  await page.evaluate(jumping(messages - 1_000))
  const after = await figures(devtools)
  return {
    rows_a_second: round((messages * 1000) / (performance.now() - began)),
    main_thread_cpu_us_a_row: round(((after.TaskDuration! - before.TaskDuration!) * 1e6) / messages),
  }
}

async function loadAll(page: Page): Promise<void> {
  await page.evaluate(jumping(messages))
}

function jumping(rows: number): string {
  return `new Promise(resolve => {
    const list = document.querySelector('a[data-ref]').closest('ul').parentElement
    const step = () => {
      list.scrollTop = list.scrollHeight
      const last = [...list.querySelectorAll('li[data-index]')].at(-1)
      if (Number(last?.ariaPosInSet) >= ${rows}) resolve()
      else requestAnimationFrame(step)
    }
    step()
  })`
}

async function jump(page: Page, share: number): Promise<void> {
  await page.evaluate(`(() => {
    const list = document.querySelector('a[data-ref]').closest('ul').parentElement
    list.scrollTop = list.scrollHeight * ${share}
  })()`)
}

/** Returns the metrics, in seconds. */
async function figures(devtools: CDPSession): Promise<Record<string, number>> {
  const { metrics } = await devtools.send('Performance.getMetrics')
  return Object.fromEntries(metrics.map(({ name, value }) => [name, value]))
}

function at(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other)
  return round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0)
}

/** The history page: ranges, zoom, one crosshair for all charts, gaps, marks, downloads, and links to and from it. */
import { readFileSync } from 'node:fs'
import type { Browser, Locator, Page } from 'playwright-core'
import { beforeAll, describe, expect, test } from 'vitest'
import { fillYear, sourcesOf } from '../../bench/history-year.ts'
import { HistoryMaintenance } from '../../server/history/history-maintenance.ts'
import { HistoryStore } from '../../server/history/history-store.ts'
import { SeriesNumbers } from '../../server/history/series-numbers.ts'
import { openServerDatabase } from '../../server/platform/database/database.ts'
import { DatabaseHealth } from '../../server/platform/database/database-health.ts'
import {
  expectAccessible,
  expectNothingClipped,
  keepPicture,
  launchBrowser,
  setScheme,
  visit,
} from '../support/browser.ts'
import { patience } from '../support/patience.ts'
import { available } from '../support/require.ts'
import { runHere, type Served } from '../support/rustymail.ts'
import { type SignedIn, signIn } from '../support/signed-in.ts'
import { tempDir } from '../support/temp-dir.ts'

const hour = 3_600
const day = 24 * hour

/** Writes weeks of generated figures, in which the server was down for six hours the day before. */
async function seed(dataDir: string, now: number): Promise<void> {
  const died = (error: Error) => {
    throw error
  }
  const db = openServerDatabase({ url: `sqlite:${dataDir}/rustymail.db`, observer: new DatabaseHealth(), died })
  const store = new HistoryStore(db)
  const numbers = new SeriesNumbers(store)
  await numbers.start()
  await fillYear({ store, numbers }, sourcesOf(3, 4), now, { days: 90, quarterDays: 31, minuteDays: 2 })
  await db.transaction().execute(async transaction => {
    for (const step of [60, 900]) await store.deleteFrames(transaction, step, now - 18 * hour, now - 12 * hour)
  })
  await new HistoryMaintenance({ store, numbers, writer: 0 }).maintain(now)
  const marks = [
    { at: now - 12 * hour, kind: 'restart', words: 'RustyMail 0.1.0 started.', account_id: null },
    { at: now - 5 * hour, kind: 'settings', words: 'Settings changed: http.limits.', account_id: null },
    { at: now - 4 * day, kind: 'account', words: 'Work: The mail server does not answer.', account_id: null },
  ]
  await store.addMarks(marks.map(mark => ({ ...mark, id: `${mark.kind} ${mark.at}` })))
  await db.destroy()
}

describe.skipIf(!available('chromium'))('in Chromium', () => {
  let run: Served
  let browser: Browser
  let storageState: SignedIn
  const now = Math.floor(Date.now() / 60_000) * 60

  beforeAll(async () => {
    const dir = tempDir('analytics')
    const dataDir = `${dir.path}/data`
    const first = await runHere({ dataDir })
    await first.stop()
    await seed(dataDir, now)
    run = await runHere({ args: ['--demo'], dataDir })
    browser = await launchBrowser()
    storageState = await signIn(browser, run.setupLink)
    return async () => {
      await browser.close()
      await run.stop()
      dir.remove()
    }
  })

  const chart = (page: Page, name: string) => page.getByRole('slider', { name, exact: true })
  const isDrawn = async (page: Page, name = 'Requests') => chart(page, name).locator('canvas').waitFor()
  const searchOf = (page: Page) => new URL(page.url()).searchParams
  /** However far the chart moves on under it. */
  const expectCrosshairStays = async (page: Page) => {
    await chart(page, 'Requests').focus()
    await page.keyboard.press('End')
    await page.keyboard.press('PageUp')
    await page.keyboard.press('PageDown')
    await page.keyboard.press('PageDown')
    const moment = async () => (await wordsOf(page, 'Requests')).split(';')[0]
    const before = await moment()
    const newest = () => chart(page, 'Requests').getAttribute('aria-valuemax')
    const end = await newest()
    await expect.poll(newest, { timeout: patience }).not.toBe(end)
    await expect.poll(moment).toBe(before)
  }
  const wordsOf = async (page: Page, name: string) => (await chart(page, name).getAttribute('aria-valuetext')) ?? ''

  test('ranges, zoom, a crosshair for all charts, gaps, marks, tables and files; light and dark, wide and narrow', async () => {
    const { page, expectQuiet } = await visit(browser, `${run.url}/analytics`, { width: 1440, storageState })
    await isDrawn(page)
    await page.getByText('RustyMail 0.1.0 started.').first().waitFor()
    const looks = [
      ['light', 1440],
      ['dark', 1440],
      ['dark', 390],
      ['light', 390],
    ] as const
    for (const [scheme, width] of looks) {
      await page.setViewportSize({ width, height: 900 })
      await setScheme(page, scheme)
      await page.evaluate('document.getElementById("chart-streams").scrollIntoView()')
      await isDrawn(page, 'Event streams')
      await page.evaluate('scrollTo(0, 0)')
      await expectNothingClipped(page, `analytics ${width}`)
      await expectAccessible(page, `analytics ${width} ${scheme}`)
      await keepPicture(page, `analytics-${scheme}-${width}`, { fullPage: true })
    }
    await page.setViewportSize({ width: 1440, height: 900 })
    // Charts out of sight keep the columns of the narrow page until they are scrolled to.
    await page.reload()
    await isDrawn(page)
    await page.evaluate('document.getElementById("chart-streams").scrollIntoView()')
    await isDrawn(page, 'Event streams')

    // A gap has no reading, and no zero. Charts that show the same moment share a crosshair.
    await chart(page, 'Requests').focus()
    await page.keyboard.press('End')
    const isGap = async () => {
      await page.keyboard.press('PageDown')
      return (await wordsOf(page, 'Requests')).includes('no reading')
    }
    await expect.poll(isGap).toBe(true)
    await expect.poll(() => wordsOf(page, 'Response time')).toContain('p95 no reading')
    const momentOf = async (name: string) => (await wordsOf(page, name)).split(';')[0]
    const minutes = async (name: string) => (await momentOf(name))?.slice(0, -3)
    await expect.poll(() => minutes('Event streams')).toBe(await minutes('Requests'))

    // A drag zooms all charts to its range, and the URL has it.
    // Measured and dragged in one try: the chart may be rendered again, or move, between the two.
    const dragged = async () => {
      if (searchOf(page).has('from')) return true
      await chart(page, 'Requests').scrollIntoViewIfNeeded()
      const box = await chart(page, 'Requests').boundingBox()
      if (!box) return false
      const at = (share: number) => box.x + 60 + (box.width - 72) * share
      await page.mouse.move(at(0.6), box.y + 60)
      await page.mouse.down()
      await page.mouse.move(at(0.7), box.y + 60, { steps: 4 })
      await page.mouse.up()
      return searchOf(page).has('from')
    }
    await expect.poll(dragged).toBe(true)
    const seconds = (name: string) => Date.parse(searchOf(page).get(name)!) / 1000
    const length = seconds('to') - seconds('from')
    expect(length).toBeGreaterThan(0.05 * day)
    expect(length).toBeLessThan(0.15 * day)
    await isDrawn(page)
    await chart(page, 'Requests').focus()
    await page.keyboard.press('ArrowLeft')
    await page.keyboard.press('-')
    await expect.poll(() => seconds('to') - seconds('from')).toBeGreaterThan(length * 1.5)
    await page.goBack()
    await page.goBack()
    await expect.poll(() => searchOf(page).get('from')).toBeNull()

    for (const [name, steps] of [
      ['1 hour', 5],
      ['7 days', 900],
      ['30 days', 900],
      ['1 year', 86_400],
    ] as const) {
      // A request for the time before has an end.
      const isMeant = (url: string) => url.includes('series=requests') && !url.includes('&to=')
      // One of the previous range may still be in flight.
      const answer = page.waitForResponse(
        async response => isMeant(response.url()) && (await response.json()).step_seconds === steps,
      )
      await page.getByRole('button', { name, exact: true }).click()
      await answer
      await isDrawn(page)
      if (name === '1 hour') await expectCrosshairStays(page)
    }
    await keepPicture(page, 'analytics-year')

    // A mark links to its moment.
    await page.getByRole('button', { name: '7 days', exact: true }).click()
    const marks = page.getByRole('region', { name: 'Marks' })
    const mark = marks.getByRole('listitem').filter({ hasText: 'does not answer' })
    await mark.getByRole('button').click()
    await expect.poll(() => seconds('from') < now - 4 * day && seconds('to') > now - 4 * day).toBe(true)

    const downloads = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Download Requests as CSV' }).click()
    const csv = readFileSync(await (await downloads).path(), 'utf8')
      .trim()
      .split('\r\n')
    expect(csv[0]).toBe('time,series,label,count,sum,minimum,maximum,mean,p50,p95,p99')
    expect(csv.length).toBeGreaterThan(10)
    expect(csv[1]).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z,requests,,\d+,\d+,/)
    await page.getByRole('button', { name: 'Requests as a table' }).click()
    await page.getByRole('table', { name: /^Values of Requests/ }).waitFor()
    await page.getByRole('button', { name: 'Requests as a table' }).click()

    // And further to the trail's entries of an operation in that time.
    await page.getByRole('button', { name: '24 hours', exact: true }).click()
    await page.getByRole('table', { name: 'Callers' }).getByText('A token that was revoked').first().waitFor()
    await page.getByRole('table', { name: 'Operations' }).getByRole('link').first().click()
    await page.getByRole('heading', { level: 1, name: 'Audit' }).waitFor()
    expect(searchOf(page).get('operation')).toBeTruthy()
    expect(Date.parse(searchOf(page).get('from')!)).toBeLessThan(Date.parse(searchOf(page).get('to')!))
    expectQuiet()
  })

  test('a tile of the overview opens its chart, and the page goes on by itself', async () => {
    const { page, expectQuiet } = await visit(browser, run.url, { width: 1440, storageState })
    // Pointer and arrow keys show value and time.
    const tile = page.getByRole('region', { name: 'CPU' })
    const shownIn = (of: Locator) => of.locator('p[role="status"]').textContent({ timeout: patience })
    const hover = async (of: Locator) => {
      // The first move loads the tooltip's code, which handles the next one.
      for (const x of [30, 60]) await of.hover({ position: { x, y: 90 } })
      return shownIn(of)
    }
    await expect.poll(() => hover(tile)).toMatch(/^[\d.]+ % · \d\d:\d\d:\d\d$/)
    await page.mouse.move(0, 0)
    await expect.poll(() => shownIn(tile)).toBe('')
    await page.getByRole('combobox', { name: 'Time of the charts' }).selectOption('7d')
    await tile.getByRole('img', { name: /^CPU over 7d: lowest/ }).waitFor()
    await tile.getByRole('link').focus()
    await page.keyboard.press('ArrowLeft')
    await page.keyboard.press('ArrowLeft')
    await expect.poll(() => shownIn(tile)).toMatch(/^[\d.]+ % · \d+ [A-Z]/)
    const requests = page.getByRole('region', { name: 'Requests' })
    await expect.poll(() => hover(requests)).toMatch(/\/h · /)
    await keepPicture(page, 'overview-7d-1440')
    await page.setViewportSize({ width: 390, height: 900 })
    await expectNothingClipped(page, 'overview with a range at 390')
    await keepPicture(page, 'overview-7d-390')
    await page.setViewportSize({ width: 1440, height: 900 })
    await expectAccessible(page, 'overview with a range')
    await page.getByRole('link', { name: 'CPU' }).click()
    await page.getByRole('heading', { level: 1, name: 'Analytics' }).waitFor()
    expect([searchOf(page).get('chart'), searchOf(page).get('range')]).toEqual(['cpu', '7d'])
    await isDrawn(page, 'CPU')
    await page.getByRole('button', { name: '1 hour', exact: true }).click()
    // Time advances for charts on the screen only.
    await chart(page, 'CPU').scrollIntoViewIfNeeded()
    await isDrawn(page, 'CPU')
    const newest = async () => Number(await chart(page, 'CPU').getAttribute('aria-valuemax'))
    const before = await newest()
    await expect.poll(newest).toBeGreaterThan(before)
    const measures = await page.evaluate<number[]>(
      'performance.getEntriesByType("measure").filter(({ name }) => name.startsWith("chart ")).map(({ duration }) => duration)',
    )
    expect(measures.length).toBeGreaterThan(0)
    if (process.env.RUSTYMAIL_TEST_PICTURES) console.log('charts drawn in ms', measures)
    expectQuiet()
  })

  test('a rule is written, tried on the past as it is written, saved, copied, switched off, reset and deleted, by keyboard alone', async () => {
    const { page, expectQuiet } = await visit(browser, `${run.url}/alerts/rules`, { width: 1440, storageState })
    const { keyboard } = page
    const field = (name: string) => page.getByLabel(name, { exact: true })
    const tried = page.getByRole('region', { name: 'What it would have done' })
    const words = async () => (await tried.getByRole('status').innerText()).split(' Tested')[0]
    const isHeading = (name: string) => page.getByRole('heading', { level: 1, name, exact: true }).waitFor()
    await page.getByRole('link', { name: 'New rule' }).press('Enter')
    await isHeading('New rule')

    // A missing value is reported at its field, and the first such field has the focus.
    await page.getByRole('button', { name: 'Create the rule' }).press('Enter')
    await expect.poll(() => page.evaluate('document.activeElement?.getAttribute("name")')).toBe('name')
    expect(await page.getByRole('alert').allInnerTexts()).toEqual(['Enter a name.', 'Enter a number.'])
    await keyboard.type('Memory is used')
    await field('Series').selectOption('system_memory')
    await field('Threshold').focus()
    await keyboard.type('1')
    await field('Clears at (optional)').focus()
    await keyboard.type('2')
    await page.getByText('Must not be above the threshold').waitFor()
    await keyboard.press('Backspace')
    await keyboard.type('0')
    await expect.poll(words).toMatch(/^It would have fired (once|\d+ times) in the last 7 days, \d/)
    const fired = await words()
    await field('Threshold').focus()
    await keyboard.press('Control+A')
    await keyboard.type('101')
    await expect.poll(words).toBe('It would not have fired in the last 7 days.')
    await keyboard.press('Control+A')
    await keyboard.type('1')
    await expect.poll(words).toBe(fired)
    await tried.getByRole('slider').focus()
    await keyboard.press('Home')
    await keyboard.press('PageUp')
    await expect.poll(() => tried.getByRole('slider').getAttribute('aria-valuetext')).toMatch(/^\d+ [A-Z].*: [\d.]+ %/)
    await page.getByRole('switch', { name: 'Quiet at some hours' }).press('Space')
    await field('Time zone').fill('Mars/Base')
    await page.getByRole('button', { name: 'Create the rule' }).press('Enter')
    await page.getByText('Enter a time zone such as Europe/Vienna.').waitFor()
    await field('Time zone').fill('UTC')
    // A quiet time that does not include now.
    const clock = (hours: number) => new Date(Date.now() + hours * hour * 1000).toISOString().slice(11, 16)
    await field('From').fill(clock(6))
    await field('To').fill(clock(7))
    await field('For').fill('0 s')
    for (const [scheme, width] of [
      ['light', 1440],
      ['dark', 1440],
      ['dark', 390],
      ['light', 390],
    ] as const) {
      await page.setViewportSize({ width, height: 900 })
      await setScheme(page, scheme)
      await expectNothingClipped(page, `rule ${width}`)
      await expectAccessible(page, `rule ${width} ${scheme}`)
      await keepPicture(page, `alert-rule-${scheme}-${width}`, { fullPage: true })
    }
    await page.setViewportSize({ width: 1440, height: 900 })
    await page.getByRole('button', { name: 'Create the rule' }).press('Enter')
    await isHeading('Alerts')
    const row = (name: string) => page.getByRole('listitem').filter({ has: page.getByText(name, { exact: true }) })
    await row('Memory is used').waitFor()

    // It fires: the alerts page shows it beside its name, in the title and on the icon, without a reload.
    const nav = page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: /^Alerts/ })
    await expect.poll(() => nav.innerText(), { timeout: patience }).toMatch(/1\s*firing/)
    await expect.poll(() => page.title()).toBe('⚠ 1 · Alert rules · RustyMail')

    const choose = async (name: string, action: string) => {
      await page.getByRole('button', { name: `More: ${name}`, exact: true }).press('Enter')
      await page.getByRole('button', { name: action, exact: true }).press('Enter')
    }
    await choose('Memory is used', 'Duplicate')
    await isHeading('New rule')
    expect(await field('Name').inputValue()).toBe('Memory is used, copy')
    expect([await field('Threshold').inputValue(), await field('Time zone').inputValue()]).toEqual(['1', 'UTC'])
    await field('Threshold').fill('99')
    await page.getByRole('button', { name: 'Create the rule' }).press('Enter')
    await row('Memory is used, copy').waitFor()
    await page.getByRole('button', { name: /^Switch off\s*: Memory is used$/ }).press('Enter')
    await row('Memory is used').getByText('Off', { exact: true }).waitFor()
    await expect.poll(() => nav.innerText(), { timeout: patience }).not.toContain('firing')

    // A built-in rule is changed, and reset.
    await choose('Internal errors', 'Edit')
    await isHeading('Internal errors')
    expect(await field('Which of: Codes').inputValue()).toBe('internal')
    await field('Threshold').fill('40')
    // Leaving with unsaved changes asks; staying loses nothing, and after saving it does not ask.
    const asked: string[] = []
    page.on('dialog', dialog => {
      asked.push(dialog.message())
      void dialog.dismiss()
    })
    await page.getByRole('link', { name: 'Cancel', exact: true }).press('Enter')
    await expect.poll(() => asked).toEqual([expect.stringContaining('Leave without saving?')])
    // The same with the browser's Back, repeatedly.
    for (const times of [2, 3]) {
      await page.evaluate('history.back()')
      await expect.poll(() => asked.length).toBe(times)
      await expect.poll(() => new URL(page.url()).pathname).toMatch(/^\/alerts\/rules\/starter-/)
    }
    expect(await field('Threshold').inputValue()).toBe('40')
    await page.getByRole('button', { name: 'Save the rule' }).press('Enter')
    await row('Internal errors').getByText('Starter, changed').waitFor()
    expect(asked.length).toBe(3)
    await choose('Internal errors', 'Reset')
    await page.getByRole('dialog').getByRole('button', { name: 'Reset the rule' }).press('Enter')
    await row('Internal errors').getByText('Starter', { exact: true }).waitFor()
    await choose('Memory is used, copy', 'Delete')
    await page.getByRole('dialog').getByRole('button', { name: 'Delete the rule' }).press('Enter')
    await row('Memory is used, copy').waitFor({ state: 'detached' })
    await row('Many requests fail')
      .getByRole('button', { name: /^Back-test/ })
      .press('Enter')
    await row('Many requests fail')
      .getByText(/^It would/)
      .waitFor()
    await expectAccessible(page, 'rules')
    await keepPicture(page, 'alert-rules-1440', { fullPage: true })
    await page.getByRole('navigation', { name: 'Alerts pages' }).getByRole('link', { name: 'Cleared' }).press('Enter')
    await page.getByText('Memory is used').first().waitFor()
    await page.setViewportSize({ width: 390, height: 900 })
    await expectNothingClipped(page, 'log of alerts')
    await page.goto(`${run.url}/alerts/rules/none`)
    await page.getByText('No such rule').waitFor()
    expectQuiet()
  })
})

/** A list of 100,000 messages: few rows are rendered, its end is reachable, and the position in it is kept. */
import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { api } from '../../contract/index.ts'
import type { MessageSummary } from '../../contract/mail.ts'
import { visit } from '../support/browser.ts'
import { browserDemo } from '../support/browser-demo.ts'
import { available } from '../support/require.ts'

const total = 100_000
const pageSize = 2_000
/** Rows in a window 900 px high, with those rendered above and below. */
const mostDrawn = 45

/** The first is the newest. */
function madeMessage(number: number): MessageSummary {
  const received = new Date(Date.UTC(2026, 10, 28) - number * 60_000).toISOString()
  return {
    ref: `made-message-${String(number).padStart(6, '0')}`,
    uid: total - number,
    uid_validity: 1,
    message_id: null,
    subject: `Message ${number}`,
    from: [{ name: `Sender ${number % 97}`, email: `sender${number % 97}@example.org` }],
    from_count: 1,
    sender_warnings: [],
    to: [],
    to_count: 0,
    date: received,
    flags: number % 3 === 0 ? [] : ['seen'],
    keywords: [],
    size_bytes: 1_000,
    has_attachments: number % 5 === 0,
    faults: [],
    preview: `How message ${number} begins`,
  }
}

describe.skipIf(!available('chromium'))('in Chromium', () => {
  // With an index the page lists threads, which the test would have to fake as well.
  const demo = browserDemo({ RUSTYMAIL_INDEX: 'off' })

  const rows = (page: Page) => page.locator('a[data-ref]')
  /** Scrolls as dragging the scrollbar does. */
  const scroll = (page: Page, place: string) =>
    page.evaluate(`(() => {
      const list = document.querySelector('a[data-ref]').closest('ul').parentElement
      list.scrollTop = ${place}
    })()`)
  const scrolled = (page: Page) =>
    page.evaluate<number>(`document.querySelector('a[data-ref]').closest('ul').parentElement.scrollTop`)

  test('100,000 rows: its end is reached, few rows are drawn at any time, and the place is kept', async () => {
    const { page, expectQuiet } = await visit(demo.browser, demo.run.url, {
      width: 1440,
      height: 900,
      storageState: demo.storageState,
    })
    // By cursor, since a change meanwhile may reload a page.
    const asked = new Set<number>()
    const path = new RegExp(`^${api.mail.listMessages.path.replace('{account_id}', '[^/]+')}$`)
    await page.route(
      ({ pathname }) => path.test(pathname),
      async (route, request) => {
        const start = Number(new URL(request.url()).searchParams.get('cursor') ?? 0)
        asked.add(start)
        const items = Array.from({ length: Math.min(pageSize, total - start) }, (_, index) =>
          madeMessage(start + index),
        )
        const next = start + items.length
        await route.fulfill({ json: { items, next_cursor: next < total ? String(next) : null, total } })
      },
    )
    await page.goto(`${demo.run.url}/mail?folder=Archive`)
    await rows(page).first().waitFor()
    expect(asked.size).toBe(1)
    const list = page.getByRole('region', { name: 'Messages', exact: true })
    let most = 0
    await expect
      .poll(
        async () => {
          await scroll(page, 'list.scrollHeight')
          most = Math.max(most, await rows(page).count())
          return list.getByText('100,000 messages, all shown').count()
        },
        { interval: 10 },
      )
      .toBe(1)
    expect(asked.size).toBe(total / pageSize)
    await scroll(page, 'list.scrollHeight')
    await row(page, 'Message 99999').waitFor()
    expect(most).toBeLessThan(mostDrawn)
    expect(most).toBeGreaterThan(5)
    expect(await page.locator('li[aria-posinset="100000"]').getAttribute('aria-setsize')).toBe('100000')

    // In the middle, with every row in place: none was requested again.
    await scroll(page, 'list.scrollHeight / 2')
    await expect.poll(() => rows(page).nth(10).innerText()).toMatch(/Message (49|50)\d\d\d/)
    const at = await scrolled(page)
    await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Clients' }).click()
    await page.getByRole('heading', { level: 1, name: 'Clients' }).waitFor()
    await page.goBack()
    await rows(page).first().waitFor()
    await expect.poll(() => scrolled(page)).toBe(at)
    await expect.poll(() => rows(page).nth(10).innerText()).toMatch(/Message (49|50)\d\d\d/)
    expect(await rows(page).count()).toBeLessThan(mostDrawn)

    // By keys from there, and to both ends.
    await rows(page).nth(10).focus()
    await page.keyboard.press('End')
    await expect.poll(() => page.evaluate('document.activeElement.innerText')).toContain('Message 99999')
    await page.keyboard.press('Home')
    await expect.poll(() => page.evaluate('document.activeElement.innerText')).toMatch(/Message 0\n/)
    expect(await scrolled(page)).toBe(0)
    expectQuiet()
  })

  const row = (page: Page, words: string) => rows(page).filter({ hasText: words })
})

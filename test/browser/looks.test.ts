/** What a look at a page finds, though most of the page was looked at before and is not given to axe again. */
import type { Browser } from 'playwright-core'
import { beforeAll, describe, expect, test } from 'vitest'
import { expectAccessible, expectNothingClipped, launchBrowser, visit } from '../support/browser.ts'
import { available } from '../support/require.ts'

describe.skipIf(!available('chromium'))('in Chromium', () => {
  let browser: Browser

  beforeAll(async () => {
    browser = await launchBrowser()
    return () => browser.close()
  })

  /** What a look found, which stands beside the words of its error. */
  const foundBy = (look: Promise<void>) =>
    look.then(
      () => '',
      (error: { actual: unknown }) => String(error.actual),
    )

  /** A page that axe has nothing against, and what is then done to it. */
  test.each([
    ['a text that is pale in the dark alone', 'color-contrast', 'p { color: light-dark(#222, #444) }', ''],
    ['a button whose word a narrow page hides', 'button-name', '@media (width < 400px) { span { display: none } }', ''],
    ['what scrolls where it is narrow alone', 'scrollable-region-focusable', '', 'wide'],
    ['a label that is gone', 'label', '', 'unlabelled'],
    ['a label that leads to another field', 'label', '', 'misled'],
    ['a text under which another colour comes to lie', 'color-contrast', '', 'another ground'],
    ['a link that looks like the words around it', 'link-in-text-block', '', 'plain link'],
    ['a list that holds something else', 'list', '', 'not an item'],
    ['an order of its own', 'tabindex', '', 'order'],
  ])('a look finds %s, though it has seen the page without it', async (_what, rule, style, change) => {
    const { page } = await visit(browser, 'about:blank')
    await page.setContent(`<!doctype html><html lang="en"><title>A page</title><style>
      :root { color-scheme: light dark; background: light-dark(#fff, #111) } p { color: light-dark(#222, #ddd) }
      a { color: light-dark(#222, #ddd) } #box { overflow: auto } #box p { margin: 0 } ${style}</style>
      <main><h1>A heading</h1><p>Some words, and <a href="#there">a link to</a> somewhere.</p>
      <button type="button"><span>Press</span></button><label id="named">Name <input name="name"></label>
      <input aria-labelledby="named"><label for="from">From</label><input id="from">
      <label for="to">To</label><input id="to"><ul><li>One</li></ul><div id="box"><p>In a box.</p></div></main></html>`)
    await page.evaluate(`document.documentElement.dataset.theme = 'light'`)
    await expectAccessible(page, 'before')
    const changes: Record<string, string> = {
      wide: "document.querySelector('#box p').style.cssText = 'width: 700px; text-align: right'",
      unlabelled: "document.querySelector('label').replaceWith(document.querySelector('label input'))",
      misled: "document.querySelector('[for=to]').htmlFor = 'from'",
      'another ground': "document.querySelector('main > p').style.background = '#333'",
      'plain link': "document.querySelector('a').style.cssText = 'text-decoration: none; color: #444'",
      'not an item': "document.querySelector('ul').append(document.createElement('div'))",
      order: "document.querySelector('button').tabIndex = 7",
    }
    if (changes[change]) await page.evaluate(changes[change])
    for (const [colorScheme, width] of [
      ['light', 390],
      ['dark', 1280],
    ] as const) {
      await page.emulateMedia({ colorScheme })
      await page.setViewportSize({ width, height: 900 })
      const found = await foundBy(expectAccessible(page, 'after'))
      if (found) return expect(found).toContain(`after: ${rule}: `)
    }
    throw new Error(`no look found ${rule}`)
  })

  test('what sticks out is found at the width where it does', async () => {
    const { page } = await visit(browser, 'about:blank')
    await page.setContent(
      '<p style="width: 600px">Wide.</p><div style="overflow: hidden"><button style="margin-left: 500px">Buy</button></div>',
    )
    await expectNothingClipped(page, 'wide')
    await page.setViewportSize({ width: 360, height: 900 })
    expect(await foundBy(expectNothingClipped(page, 'narrow'))).toMatch(/^narrow,\d{3},Buy$/)
  })
})

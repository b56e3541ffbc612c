/** A mail designed for a wide window fits its pane, on a phone too: nothing requires scrolling sideways. */
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { api } from '../../contract/index.ts'
import { newsletters } from '../../sandbox/seed-newsletters.ts'
import { Random } from '../../sandbox/seed-random.ts'
import { keepPicture, launchBrowser, openMessage, visit } from '../support/browser.ts'
import { fill, slowHeartbeats, startMailWorld } from '../support/mail-world.ts'
import type { People } from '../support/people.ts'
import { available } from '../support/require.ts'
import type { SignedIn } from '../support/signed-in.ts'
import { wideMails } from '../support/wide-mails.ts'

/** Returns one newsletter of each publisher of the sandbox. */
function sandboxNewsletters(): [string, string][] {
  const letters = newsletters(new Random(1), new Date()).map(({ mail }) => {
    if (!('html' in mail) || typeof mail.html !== 'string') throw new Error('a newsletter without HTML')
    const from = typeof mail.from === 'object' && 'name' in mail.from ? mail.from.name : ''
    return [`Newsletter ${from}`, mail.html] as [string, string]
  })
  return [...new Map(letters)]
}

interface Sizes {
  scrollWidth: number
  clientWidth: number
  /** Smallest font size in it, in pixels. */
  smallestText: number
}

/** Evaluated in the frame, which runs no script of its own. */
const measure = `(() => {
  const { documentElement: html } = document
  const texts = document.createTreeWalker(html, NodeFilter.SHOW_TEXT)
  let smallestText = Infinity
  while (texts.nextNode()) {
    const { parentElement, data } = texts.currentNode
    if (!data.trim() || !parentElement.checkVisibility()) continue
    smallestText = Math.min(smallestText, parseFloat(getComputedStyle(parentElement).fontSize))
  }
  return { scrollWidth: html.scrollWidth, clientWidth: html.clientWidth, smallestText }
})()`

describe.skipIf(!available('chromium'))('a wide mail', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launchBrowser()
  })
  afterAll(() => browser.close())

  async function cookieOf({ url, admin }: People): Promise<SignedIn> {
    const [name = '', value = ''] = admin.cookie!.split('=')
    const context = await browser.newContext()
    await context.addCookies([{ name, value, url, httpOnly: true, sameSite: 'Lax' }])
    const state = await context.storageState()
    await context.close()
    return state
  }

  test('sticks out of the frame when it is shown as it came: this test can see it', async () => {
    const page = await browser.newPage({ viewport: { width: 446, height: 600 } })
    onTestFinished(() => page.close())
    const fitting: string[] = []
    for (const [name, html] of [...sandboxNewsletters(), ...Object.entries(wideMails)]) {
      await page.setContent(`<!doctype html>${html}`)
      const { scrollWidth, clientWidth } = await page.evaluate<Sizes>(measure)
      if (scrollWidth <= clientWidth) fitting.push(name)
    }
    expect(fitting).toEqual([])
  })

  test.each([
    [360, 'light'],
    [768, 'dark'],
    [1280, 'light'],
    [1920, 'dark'],
  ] as const)('fits into its pane at %d px, %s, and stays readable', async (width, scheme) => {
    const mails = [...sandboxNewsletters(), ...Object.entries(wideMails)]
    const world = await startMailWorld(2, {}, slowHeartbeats)
    const { people } = world
    const { id } = world.mailboxes[1]!
    await world.deliver(1, ...mails.map(([subject, html]) => ({ subject, html })))
    const path = `${fill(api.mail.listMessages.path, { account_id: id })}?limit=100`
    const { items } = api.mail.listMessages.response.parse(await people.tell(people.admin, 'GET', path))
    const storageState = await cookieOf(people)
    const { page, expectQuiet } = await visit(browser, people.url, { width, scheme, storageState })
    for (const [subject] of mails) {
      const ref = items.find(item => item.subject === subject)?.ref
      const address = `${people.url}/mail?account=${id}&message=${ref}`
      const frame = await (await openMessage(page, address)).contentFrame()
      const { scrollWidth, clientWidth, smallestText } = await frame!.evaluate<Sizes>(measure)
      expect([subject, scrollWidth]).toEqual([subject, clientWidth])
      expect([subject, smallestText]).toEqual([subject, expect.toSatisfy(size => size >= 12)])
      await keepPicture(page, `mail-${subject.replaceAll(/\W/g, '-').toLowerCase()}-${scheme}-${width}`)
    }
    expectQuiet()
  })
})

/** A mail that was drawn for a wide window fits into its pane, on a phone too: nothing of it is found only by scrolling sideways. */
import { join } from 'node:path'
import { type Browser, type Frame, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { api } from '../../contract/index.ts'
import { newsletters } from '../../sandbox/seed-newsletters.ts'
import { Random } from '../../sandbox/seed-random.ts'
import { launchBrowser, visit } from '../support/browser.ts'
import { fill, startMailWorld } from '../support/mail-world.ts'
import { available } from '../support/require.ts'
import { wideMails } from '../support/wide-mails.ts'

const output = join(import.meta.dirname, 'output')

describe.skipIf(!available('chromium'))('a wide mail', () => {
  test('x', async () => {
    const world = await startMailWorld(2)
    const { people } = world
    const { id } = world.mailboxes[1]!
    const letters = newsletters(new Random(1), new Date()).slice(0, 1).map(({ mail }) => [`newsletter`, String(mail.html)])
    for (const [subject = '', html = ''] of [...letters, ...Object.entries(wideMails)]) world.serverOf(1)!.deliver({ subject, html })
    const { items } = api.mail.listMessages.response.parse(await people.tell(people.admin, 'GET', `${fill(api.mail.listMessages.path, { account_id: id })}?limit=100`))
    const browser = await launchBrowser()
    const [name = '', value = ''] = people.admin.cookie!.split('=')
    for (const width of [360, 768, 1280]) {
      const { page, context } = await visit(browser, 'about:blank', { width })
      await context.addCookies([{ name, value, url: people.url, httpOnly: true, sameSite: 'Lax' }])
      for (const { ref, subject } of items) {
        if (subject.startsWith('About')) continue
        await page.goto(`${people.url}/mail?account=${id}&message=${ref}`)
        const frame = await (await page.waitForSelector('iframe')).contentFrame()
        await frame!.waitForLoadState('load')
        const sizes = await frame!.locator('html').evaluate(html => { const e = html as unknown as {scrollWidth:number;clientWidth:number;scrollHeight:number}; return [e.scrollWidth, e.clientWidth, e.scrollHeight] })
        console.log(width, subject, sizes.join(' '), sizes[0]! > sizes[1]! ? 'OVER' : '')
        await page.screenshot({ path: join(output, `mail-${subject}-${width}.png`) })
      }
    }
    await browser.close()
  }, 200_000)
})

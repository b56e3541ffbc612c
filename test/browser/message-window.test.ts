/**
 * A message's HTML loads in a frame of the page and never in a window, on a host name for which browsers send Sec-Fetch
 * headers, and on one for which they do not.
 */
import { type Browser, chromium } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { api } from '../../contract/index.ts'
import { messageHtmlPath } from '../../contract/mail.ts'
import { fill, slowHeartbeats, startMailWorld } from '../support/mail-world.ts'
import { available, getTool } from '../support/require.ts'

describe.skipIf(!available('chromium'))('the HTML of a message', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await chromium.launch({
      executablePath: getTool('chromium'),
      args: ['--no-sandbox', '--disable-gpu', '--host-resolver-rules=MAP mail.example 127.0.0.1'],
    })
  })
  afterAll(() => browser.close())

  test.each([
    ['127.0.0.1', true],
    ['mail.example', false],
  ])('at http://%s it is shown in the frame, and refused to a window', async (host, saysWhatFor) => {
    const { people, mailboxes, ...world } = await startedWith('<p>Words in the frame</p><a href="?remote=true">x</a>')
    const { id } = mailboxes[1]!
    const url = people.url.replace('127.0.0.1', host)
    const context = await browser.newContext()
    onTestFinished(() => context.close())
    const [name = '', value = ''] = people.admin.cookie!.split('=')
    await context.addCookies([{ name, value, url, httpOnly: true, sameSite: 'Lax' }])
    const page = await context.newPage()
    const asked = page.waitForRequest(request => new URL(request.url()).pathname.endsWith('/html'))
    await page.goto(`${url}/mail?account=${id}&message=${world.ref}`)
    const frame = page.frameLocator('iframe')
    await frame.getByText('Words in the frame').waitFor()
    expect(await frame.locator('a').getAttribute('href')).toBeNull()
    const headers = await (await asked).allHeaders()
    expect('sec-fetch-dest' in headers).toBe(saysWhatFor)
    const path = fill(messageHtmlPath, { account_id: id, ref: world.ref })
    const window = (await page.goto(`${url}${path}`))!
    expect([window.status(), (await window.json()).code]).toEqual([403, 'frame_only'])
    // As a link of the page itself would open it.
    await page.goto(`${url}/mail`)
    const [opened] = await Promise.all([
      context.waitForEvent('page'),
      page.evaluate(`void open(${JSON.stringify(`${path}?remote=true`)})`),
    ])
    await opened.waitForURL(`${url}${path}?remote=true`)
    expect(await opened.content()).toContain('frame_only')
  })
})

async function startedWith(html: string) {
  const world = await startMailWorld(2, { RUSTYMAIL_ALLOWED_HOSTS: 'mail.example' }, slowHeartbeats)
  await world.deliver(1, { subject: 'hello', html })
  const { people, mailboxes } = world
  const path = `${fill(api.mail.listMessages.path, { account_id: mailboxes[1]!.id })}?limit=1`
  const { items } = api.mail.listMessages.response.parse(await people.tell(people.admin, 'GET', path))
  return { people, mailboxes, ref: items[0]!.ref }
}

/** Attachments on the page: files are saved, attached messages are opened in place, invitations are shown. */
import { readFileSync } from 'node:fs'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { api } from '../../contract/index.ts'
import { expectAccessible, expectNothingClipped, keepPicture, launchBrowser } from '../support/browser.ts'
import { fill, slowHeartbeats, startMailWorld } from '../support/mail-world.ts'
import { attached, file, html, leaf, multipart, text, toDelivery } from '../support/mime.ts'
import { available } from '../support/require.ts'

const calendar = [
  'BEGIN:VCALENDAR',
  'METHOD:REQUEST',
  'BEGIN:VEVENT',
  'UID:tea@x.org',
  'SUMMARY:Tea at noon',
  'DTSTART:20261201T120000Z',
  'RRULE:FREQ=WEEKLY;BYDAY=TU;UNTIL=20270303T120000Z',
  'EXDATE:20261222T120000Z,20261229T120000Z',
  'LOCATION:Room 7',
  'ORGANIZER;CN=Ann:mailto:ann@x.org',
  'END:VEVENT',
  'BEGIN:VEVENT',
  'UID:tea@x.org',
  'SUMMARY:Tea at one',
  'DTSTART:20261215T130000Z',
  'RECURRENCE-ID:20261215T120000Z',
  'END:VEVENT',
  'END:VCALENDAR',
].join('\r\n')
const inner = {
  subject: 'The certified words',
  from: { name: 'Eve', email: 'eve@evil.example' },
  root: multipart('mixed', [html('<p>inner words</p>'), file('text/html', 'inner.html', '<script>alert(1)</script>')]),
}
const root = multipart('mixed', [
  html('<p>meeting Friday</p>'),
  text('footer of the list'),
  file('application/zip', 'plan.zip', 'zip bytes'),
  file('application/octet-stream', 'invoice.pdf.exe', 'MZ'),
  leaf('text/calendar', calendar),
  multipart('signed', [text('signed words'), leaf('application/pgp-signature', 'sig')]),
  attached(inner),
])

describe.skipIf(!available('chromium'))('the parts of a message', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launchBrowser()
  })
  afterAll(() => browser.close())

  test('are shown, saved and opened', async () => {
    const world = await startMailWorld(2, {}, slowHeartbeats)
    await world.deliver(1, toDelivery({ subject: 'parts', root }))
    const { people, mailboxes } = world
    const { id } = mailboxes[1]!
    const path = `${fill(api.mail.listMessages.path, { account_id: id })}?limit=1`
    const { items } = api.mail.listMessages.response.parse(await people.tell(people.admin, 'GET', path))
    const context = await browser.newContext({ acceptDownloads: true })
    onTestFinished(() => context.close())
    const [name = '', value = ''] = people.admin.cookie!.split('=')
    await context.addCookies([{ name, value, url: people.url, httpOnly: true, sameSite: 'Lax' }])
    const page = await context.newPage()
    await page.goto(`${people.url}/mail?account=${id}&message=${items[0]!.ref}`)
    const frame = page.frameLocator('iframe')
    await frame.getByText('meeting Friday').waitFor()
    await frame.getByText('footer of the list').waitFor()
    await page.getByRole('heading', { name: 'Tea at noon' }).waitFor()
    await page.getByText('Room 7').waitFor()
    await page.getByText('every Tuesday until 3 March 2027, with 3 exceptions').waitFor()
    await page.getByText('Invitation, one occurrence of a series').waitFor()

    const save = async (label: string) => {
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('link', { name: label }).click(),
      ])
      return [download.suggestedFilename(), readFileSync(await download.path(), 'utf8')]
    }
    expect(await save('Download plan.zip')).toEqual(['plan.zip', 'zip bytes'])
    await page.getByRole('link', { name: 'Download invoice.pdf.exe: Program, not PDF' }).waitFor()
    expect(await save('Save all')).toEqual(['parts.zip', expect.stringMatching(/^PK[\s\S]*zip bytes/)])
    expect(await save('Save as .eml')).toEqual(['parts.eml', expect.stringContaining('Subject: parts\r\n')])
    await page
      .getByText('A part of this message is signed with OpenPGP. RustyMail does not check signatures.')
      .waitFor()

    // As sent: plain text, whatever it contains.
    await page.getByRole('button', { name: 'View source' }).click()
    const source = page.getByRole('dialog', { name: 'Source of the message' })
    const shown = source.getByRole('region', { name: 'Source', exact: true }).locator('pre')
    await shown.getByText('Subject: parts').waitFor()
    expect(await shown.innerText()).toContain('Content-Type: text/calendar')
    await expectAccessible(page, 'the source of a message')
    await keepPicture(page, 'message-source-light-1280')
    await source.getByRole('button', { name: 'Close' }).last().click()

    await page.getByRole('button', { name: 'Attached message' }).click()
    const opened = page.getByRole('article', { name: 'An attached message' })
    await opened.getByRole('heading', { name: 'The certified words' }).waitFor()
    await opened.getByText('Its sender was not verified').waitFor()
    await opened.getByText('eve@evil.example').waitFor()
    await opened.frameLocator('iframe').getByText('inner words').waitFor()
    expect(await save('Download inner.html')).toEqual(['inner.html', '<script>alert(1)</script>'])
    await page.getByRole('button', { name: 'Attached message' }).click()
    await opened.waitFor({ state: 'detached' })

    // On a phone the text comes first, and the attachments are one tap away.
    await page.setViewportSize({ width: 360, height: 740 })
    const plan = page.getByRole('link', { name: 'Download plan.zip' })
    await plan.waitFor({ state: 'hidden' })
    expect((await page.locator('iframe').boundingBox())!.y).toBeLessThan(740 * (2 / 3))
    await page.getByRole('button', { name: 'Show attachments' }).click()
    await plan.waitFor()
    await page.getByRole('link', { name: 'Download Calendar entry' }).waitFor()

    // Only the beginning of a long one, whatever the rest of its file holds.
    await world.deliver(
      1,
      toDelivery({ subject: 'long <b>words</b>', root: text(`first words\n${'x'.repeat(400)}\n`.repeat(2_000)) }),
    )
    await page.goto(`${people.url}/mail?account=${id}`)
    await page.locator('a[data-ref]', { hasText: 'long <b>words</b>' }).click()
    await page.getByRole('button', { name: 'To and other details' }).click()
    await page.getByRole('button', { name: 'View source' }).click()
    await source.getByText('Only the first 262 kB are shown.').waitFor()
    expect(await shown.innerText()).toContain('Subject: long <b>words</b>')
    expect(await shown.locator('*').count()).toBe(0)
    expect((await shown.innerText()).length).toBeLessThanOrEqual(256 * 1024)
    await expectNothingClipped(page, 'the source of a message')
    await keepPicture(page, 'message-source-light-360')
  })
})

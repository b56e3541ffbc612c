/** The Mail page beside a real mail server and its index: conversations, and what other programs do, seen without a reload. */
import type { Browser, Page } from 'playwright-core'
import { beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { api } from '../../contract/index.ts'
import {
  expectAccessible,
  expectNothingClipped,
  keepPicture,
  launchBrowser,
  setScheme,
  visit,
} from '../support/browser.ts'
import { startDovecot } from '../support/dovecot.ts'
import { available } from '../support/require.ts'
import { runHere } from '../support/rustymail.ts'
import { signIn } from '../support/signed-in.ts'
import { tempDir } from '../support/temp-dir.ts'

const hasAll = [available('chromium'), available('dovecot')].every(Boolean)
const alice = 'alice@test.local'

interface Mail {
  id: string
  subject: string
  from?: string
  answers?: string
  text?: string
  /** When the mail server got it: `10:05`, of one day. */
  at?: string
}

type End = () => Promise<void> | void

const written = ({ id, subject, from = 'Bob Stone <bob@example.org>', answers, text = subject }: Mail) =>
  [
    `From: ${from}`,
    `To: ${alice}`,
    `Subject: ${subject}`,
    `Message-ID: <${id}@example.org>`,
    ...(answers ? [`In-Reply-To: <${answers}@example.org>`, `References: <${answers}@example.org>`] : []),
    '',
    text,
  ].join('\r\n')

describe.skipIf(!hasAll)('in Chromium, on Dovecot', () => {
  let browser: Browser
  /** One mailbox for the tests that only look at it: to index one takes longer than most of them. */
  let shared: Awaited<ReturnType<typeof world>>

  beforeAll(async () => {
    browser = await launchBrowser()
    const ends: End[] = []
    shared = await world(end => void ends.unshift(end))
    return async () => {
      await browser.close()
      for (const end of ends) await end()
    }
  })

  async function world(atEnd: (end: End) => void) {
    const dovecot = await startDovecot()
    atEnd(() => dovecot.stop())
    const imap = await dovecot.login(alice)
    atEnd(() => imap.close())
    const put = async (mail: Mail, folder = 'INBOX', flags = '') => {
      const literal = Buffer.from(written(mail))
      const at = mail.at ? `"20-Nov-2026 ${mail.at}:00 +0000" ` : ''
      await imap.run(`APPEND "${folder}" (${flags}) ${at}{${literal.length}}`, literal)
    }
    const plans = { subject: 'Plans for June', text: 'Shall we meet in June?' }
    const from = `Alice <${alice}>`
    await put({ ...plans, id: 'p1', at: '08:00' }, 'INBOX', '\\Seen')
    const own = { id: 'p2', subject: 'Re: Plans for June', from, answers: 'p1', text: 'Yes, on the 9th.', at: '09:00' }
    await put(own, 'Sent', '\\Seen')
    for (let number = 1; number <= 20; number++) {
      await put({ id: `n${number}`, subject: `Note ${number}`, at: `10:${String(number).padStart(2, '0')}` })
    }
    await put({ id: 'p3', subject: 'Re: Plans for June', answers: 'p2', text: 'The 9th it is.', at: '11:00' })
    const dir = tempDir('mail-live')
    atEnd(() => dir.remove())
    const run = await runHere({ environment: { RUSTYMAIL_INDEX: 'text' }, dataDir: `${dir.path}/data` })
    atEnd(async () => void (await run.stop()))
    const server = { host: '127.0.0.1', port: dovecot.imapPort, tls: 'none', user: alice, password: 'pw-alice' }
    const body = { name: 'Alice', email: alice, imap: server }
    const { id } = await run.call(api.accounts.createAccount, { body })
    const state = async () => (await run.call(api.mailIndex.getIndex, { params: { account_id: id } })).state
    await vi.waitFor(async () => expect(await state()).toBe('complete'))
    const storageState = await signIn(browser, run.url)
    const open = async (size: { width?: number; height?: number } = {}) => {
      const visited = await visit(browser, run.url, { width: 1440, storageState, ...size })
      await visited.page.goto(`${run.url}/mail`)
      await rows(visited.page).first().waitFor()
      return visited
    }
    return { imap, put, open }
  }

  const rows = (page: Page) => page.locator('a[data-ref]')
  const row = (page: Page, words: string | RegExp) => rows(page).filter({ hasText: words })
  const conversation = (page: Page) => page.getByRole('article', { name: 'The open conversation' })
  const focused = (page: Page) => page.evaluate<string>('document.activeElement.innerText ?? ""')

  test('a conversation is shown with one’s own answer from another folder; what was read is folded', async () => {
    const { open } = shared
    const { page, expectQuiet } = await open()
    // Folders, list and what is open, side by side.
    const [folders, list, reading] = await Promise.all(
      ['Folders', 'Messages', 'Message'].map(
        async name => (await page.getByRole('region', { name, exact: true }).boundingBox())!,
      ),
    )
    expect(folders!.x + folders!.width).toBeLessThanOrEqual(list!.x)
    expect(list!.x + list!.width).toBeLessThanOrEqual(reading!.x)

    await row(page, 'Plans for June').click()
    const messages = conversation(page)
      .getByRole('listitem')
      .filter({ has: page.getByRole('heading', { level: 3 }) })
    await expect.poll(() => messages.count()).toBe(3)
    await messages.nth(2).getByText('The 9th it is.').waitFor()
    const isOpen = () =>
      messages
        .getByRole('button', { expanded: true })
        .filter({ has: page.locator('time') })
        .count()
    expect(await isOpen()).toBe(1)
    expect(await messages.nth(1).innerText()).toMatch(/Alice\s+You/)
    await messages.nth(1).getByRole('button').first().click()
    await messages.nth(1).getByText('Yes, on the 9th.').waitFor()
    // The address stands beside the name, folded or not: anybody may call himself anything.
    await messages.nth(1).getByText(`<${alice}>`).first().waitFor()
    await expectAccessible(page, 'a conversation')
    await setScheme(page, 'dark')
    await expectAccessible(page, 'a conversation, dark')
    await keepPicture(page, 'conversation-dark-1440')
    // By its address too.
    const address = page.url()
    await page.goto('about:blank')
    await page.goto(address)
    await expect.poll(() => messages.count()).toBe(3)
    expectQuiet()
  })

  test('what arrives, is flagged or removed elsewhere is seen in the list, and the list never waits', async () => {
    const { imap, put, open } = await world(onTestFinished)
    const { page, expectQuiet } = await open()
    // Grey shapes and turning wheels, should any come.
    await page.evaluate(`window.waits = []; new MutationObserver(() => {
      const list = document.querySelector('section[aria-label=Messages]')
      if (list.querySelector('.animate-pulse, .animate-spin')) window.waits.push(list.innerText)
    }).observe(document.body, { childList: true, subtree: true })`)

    await put({ id: 'new', subject: 'Just arrived', text: 'Fresh words.' })
    await expect.poll(() => rows(page).first().innerText()).toContain('Just arrived')
    // Its text is indexed behind its headers.
    await expect.poll(() => rows(page).first().innerText()).toContain('Fresh words.')
    await expect.poll(() => row(page, 'Just arrived').getByText('Unread').count()).toBe(1)

    await imap.run('SELECT INBOX')
    const found = await imap.run('UID SEARCH HEADER Message-ID "<n19@example.org>"')
    const [, uid] = /SEARCH (\d+)/.exec(found)!
    expect(await row(page, 'Note 19').getByText('Unread').count()).toBe(1)
    await imap.run(`UID STORE ${uid} +FLAGS (\\Seen \\Flagged)`)
    await expect.poll(() => row(page, 'Note 19').getByText('Unread').count()).toBe(0)
    await row(page, 'Note 19').getByText('Flagged').waitFor()

    await row(page, 'Plans for June').click()
    await conversation(page).getByText('3 messages').waitFor()
    await put({ id: 'p4', subject: 'Re: Plans for June', answers: 'p3', text: 'See you there.' })
    await conversation(page).getByText('4 messages').waitFor()
    await conversation(page).getByText('See you there.').waitFor()
    await expect.poll(() => rows(page).first().innerText()).toContain('Plans for June')

    await imap.run(`UID STORE ${uid} +FLAGS (\\Deleted)`)
    await imap.run(`UID EXPUNGE ${uid}`)
    await expect.poll(() => row(page, 'Note 19').count()).toBe(0)
    expect(await page.evaluate('window.waits')).toEqual([])
    expectQuiet()
  })

  test('j k o u x, g i and a click with Shift do what ? says', async () => {
    const { open } = shared
    const { page, expectQuiet } = await open()
    await page.keyboard.press('j')
    await expect.poll(() => focused(page)).toContain('Plans for June')
    await page.keyboard.press('j')
    await expect.poll(() => focused(page)).toContain('Note 20')
    await page.keyboard.press('j')
    await expect.poll(() => focused(page)).toContain('Note 19')
    await page.keyboard.press('o')
    await page.getByRole('heading', { level: 2, name: 'Note 19' }).waitFor()
    // While one is open, its neighbour takes its place, in the history too.
    await page.keyboard.press('j')
    await page.getByRole('heading', { level: 2, name: 'Note 18' }).waitFor()
    await page.keyboard.press('k')
    await page.getByRole('heading', { level: 2, name: 'Note 19' }).waitFor()
    await page.keyboard.press('u')
    await page.getByText('No message open').waitFor()
    await expect.poll(() => focused(page)).toContain('Note 19')

    await page.keyboard.press('x')
    await page.getByText('1 selected').waitFor()
    await row(page, 'Note 16').click({ modifiers: ['Shift'] })
    await page.getByText('4 selected').waitFor()
    expect(await page.getByText('No message open').count()).toBe(1)
    await expectAccessible(page, 'a selection')
    await page.getByRole('checkbox', { name: 'Select Note 17' }).uncheck()
    await page.getByText('3 selected').waitFor()
    await page.getByRole('button', { name: 'Clear' }).click()
    await expect.poll(() => page.getByText(/selected$/).count()).toBe(0)

    await page.getByRole('link', { name: /^Sent/ }).click()
    await page.getByRole('heading', { level: 2, name: 'Sent' }).waitFor()
    await page.keyboard.press('g')
    await page.keyboard.press('i')
    await page.getByRole('heading', { level: 2, name: 'INBOX' }).waitFor()
    await page.keyboard.press('?')
    const help = page.getByRole('dialog', { name: 'Keyboard shortcuts' })
    await help.getByText('Close it and go back to the list').waitFor()
    await page.keyboard.press('j')
    await page.keyboard.press('Escape')
    await help.waitFor({ state: 'hidden' })
    expect(await page.getByText('No message open').count()).toBe(1)
    expectQuiet()
  })

  test.each([390, 320])(
    'at %i px it is one pane at a time, with what one presses most at the bottom',
    async width => {
      const { open } = shared
      const { page, expectQuiet } = await open({ width, height: 700 })
      const look = async (what: string) => {
        await expectNothingClipped(page, `${what} ${width}`)
        for (const scheme of ['light', 'dark'] as const) {
          await setScheme(page, scheme)
          await expectAccessible(page, `${what} ${width} ${scheme}`)
          await keepPicture(page, `mail-${what}-${scheme}-${width}`)
        }
      }
      await look('list')
      const folders = page.getByRole('link', { name: 'Folders' })
      expect((await folders.boundingBox())!.y).toBeGreaterThan(700 / 2)
      await folders.click()
      await page.getByRole('link', { name: /^Sent/ }).waitFor()
      expect(await rows(page).first().isVisible()).toBe(false)
      await look('folders')
      await page.getByRole('link', { name: /^INBOX/ }).click()

      await row(page, 'Note 15').click()
      await page.getByRole('heading', { level: 2, name: 'Note 15' }).waitFor()
      expect(await rows(page).first().isVisible()).toBe(false)
      const next = page.getByRole('button', { name: 'Next (j)' })
      expect((await next.boundingBox())!.y).toBeGreaterThan(700 / 2)
      await next.click()
      await page.getByRole('heading', { level: 2, name: 'Note 14' }).waitFor()
      await page.getByRole('link', { name: 'Back to the messages' }).click()
      await expect.poll(() => focused(page)).toContain('Note 14')

      await row(page, 'Plans for June').click()
      await conversation(page).getByText('The 9th it is.').waitFor()
      await look('conversation')
      expectQuiet()
    },
    180_000,
  )
})

/** What an agent proposes, and what a person makes of it on the page: the mailbox and the outgoing server hold exactly what was applied. */
import type { Page } from 'playwright-core'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { approvalsApi } from '../../contract/approvals.ts'
import { draftsApi } from '../../contract/drafts.ts'
import { api } from '../../contract/index.ts'
import { outboxApi } from '../../contract/outbox.ts'
import { proposalsApi } from '../../contract/proposals.ts'
import { type ActingWorld, alice, type Caller, startActingWorld } from '../support/acting-world.ts'
import { expectAccessible, expectNothingClipped, keepPicture, setScheme } from '../support/browser.ts'
import { available } from '../support/require.ts'

const hasAll = [available('chromium'), available('dovecot')].every(Boolean)

describe.skipIf(!hasAll)('in Chromium, on Dovecot', () => {
  let world: ActingWorld
  let agent: Caller

  beforeAll(async () => {
    world = await startActingWorld()
    return world.stop
  })

  let count = 0
  /** Each test has mail of its own, and an agent of its own, so that nothing waits from before. */
  beforeEach(async () => {
    count++
    agent = await world.anotherAgent(`Assistant ${count}`, ['mail:organize', 'mail:delete', 'mail:send'], {
      mode: 'propose',
    })
  })

  async function addMail(subject: string, many: number): Promise<string[]> {
    const imap = await world.dovecot.login(alice)
    for (let index = 1; index <= many; index++) {
      const lines = ['From: News <news@example.org>', `To: ${alice}`, `Subject: ${subject} ${index}`, '', 'Hello.']
      await imap.append('INBOX', lines.join('\r\n'))
    }
    imap.close()
    await expect.poll(async () => (await inFolder('INBOX', subject)).length).toBe(many)
    return (await inFolder('INBOX', subject)).map(({ id, ref }) => id ?? ref)
  }
  async function inFolder(folder: string, subject: string) {
    const query = { folder, limit: '100' }
    const { items } = await world.person(api.mail.listMessages, { params: { account_id: world.accountId }, query })
    return items.filter(item => item.subject.startsWith(`${subject} `))
  }
  /** As another program sees it on the mail server. */
  async function onServer(folder: string, criteria: string): Promise<number> {
    const imap = await world.dovecot.login(alice)
    await imap.run(`SELECT "${folder}"`)
    const answer = await imap.run(`SEARCH ${criteria}`)
    imap.close()
    return (/^\* SEARCH([ \d]*)/m.exec(answer)?.[1] ?? '').split(' ').filter(Boolean).length
  }
  const change = (body: object) =>
    agent(api.operations.changeMessages, { params: { account_id: world.accountId }, body })
  async function write(subject: string, content: string) {
    const params = { account_id: world.accountId }
    const body = { mode: 'new', to: ['bob@example.org'], subject, body: { format: 'markdown', content } }
    return agent(draftsApi.createDraft, { params, body })
  }
  async function askToSend(subject: string, content: string) {
    const { id, rev } = await write(subject, content)
    const params = { account_id: world.accountId, draft_id: id }
    return agent(outboxApi.sendDraft, { params, body: { rev } })
  }
  const row = (page: Page) => page.locator('[data-proposal]', { hasText: `Assistant ${count} proposes` })
  const article = (page: Page) => page.getByRole('article', { name: 'A proposal' })
  const box = (page: Page, words: RegExp) => article(page).getByRole('checkbox', { name: words })
  const card = (page: Page, words: RegExp) =>
    article(page)
      .getByRole('listitem')
      .filter({ has: page.getByRole('checkbox', { name: words }) })
  const apply = (page: Page) => page.getByRole('button', { name: /^Apply/ })

  test('changes, a draft and a message come as one proposal; what is applied is done, and what is declined is not', async () => {
    const { open, sink, person } = world
    const [starred, moved, deleted] = [await addMail('Star', 3), await addMail('News', 30), await addMail('Old', 1)]
    const { page, expectQuiet } = await open('/approvals')
    await page.getByText('Nothing waits', { exact: true }).waitFor()
    await change({ ids: starred, add: ['flagged'] })
    await row(page).waitFor()
    await expect.poll(() => page.title()).toContain('(1) ')
    await row(page).click()
    await box(page, /Star|star|flag/).waitFor()
    // The others come while it is open: they are there at once, and not chosen.
    await change({ ids: moved, move_to: { folder: 'Archive' } })
    await agent(api.operations.deleteMessages, { params: { account_id: world.accountId }, body: { ids: deleted } })
    await write('For later', 'A **draft**.')
    const held = await askToSend('To be sent', 'At **noon**, gladly.')
    expect(held.state).toBe('held')
    await box(page, /Send/).waitFor()
    await box(page, /Archive/).waitFor()
    expect(await box(page, /Archive/).isChecked()).toBe(false)
    // One thing waits: the message is inside, and not beside it.
    await expect.poll(() => page.title()).toContain('(1) ')
    expect(await page.locator('[data-approval]').count()).toBe(0)
    await page.getByRole('link', { name: /Approvals.*1.*waiting/ }).waitFor()
    const icon = await page.evaluate<string>('decodeURIComponent(document.querySelector(\'link[rel="icon"]\').href)')
    expect(icon).toContain('>1</text>')

    // Opened again, all but the deletion is chosen.
    await page.reload()
    await box(page, /Archive/).waitFor()
    expect(await box(page, /Delete/).isChecked()).toBe(false)
    for (const words of [/Archive/, /Send/, /draft/i]) expect(await box(page, words).isChecked()).toBe(true)
    await card(page, /Archive/)
      .getByText(/^News \d+$/)
      .first()
      .waitFor()
    await card(page, /Archive/)
      .getByText('from INBOX to Archive')
      .first()
      .waitFor()
    await keepPicture(page, 'proposal-light-1440')
    await expectAccessible(page, 'a proposal')

    await box(page, /star|flag/i).uncheck()
    // The message is read before anything is applied.
    await page.getByRole('button', { name: /^Read the message first/ }).click()
    await page.frameLocator('iframe[title="The message as it will be sent"]').getByText('noon').first().waitFor()
    await expect.poll(() => apply(page).isEnabled()).toBe(true)
    await keepPicture(page, 'proposal-message-light-1440')
    await expectAccessible(page, 'a message of a proposal')
    expect(await apply(page).innerText()).toContain('Apply 3 of 5')
    await apply(page).click()
    await page.getByText('Applied 3 items').waitFor()
    // The keyboard stands on what still waits.
    await expect
      .poll(() => box(page, /star|flag/i).evaluate(element => element === element.ownerDocument.activeElement))
      .toBe(true)

    await page.keyboard.press('d')
    const dialog = page.getByRole('dialog', { name: 'Decline 2 items?' })
    await dialog.getByLabel('Reason').fill('We keep those.')
    await expectAccessible(page, 'declining')
    await dialog.getByRole('button', { name: 'Decline', exact: true }).click()
    await page.getByText('3 items applied, 2 not.').waitFor()
    await keepPicture(page, 'proposal-decided-light-1440')
    await expect.poll(() => page.title()).not.toContain('(1) ')

    await expect.poll(() => sink.taken.length).toBe(1)
    const { content } = await person(approvalsApi.getApproval, { params: { approval_id: held.approval_id! } })
    expect(sink.taken[0]).toMatchObject({ sha256: content.sha256, to: ['bob@example.org'] })
    await expect.poll(() => onServer('Archive', 'SUBJECT "News "')).toBe(30)
    expect(await onServer('INBOX', 'SUBJECT "News "')).toBe(0)
    expect(await onServer('INBOX', 'SUBJECT "Star " FLAGGED')).toBe(0)
    expect(await onServer('INBOX', 'SUBJECT "Star " UNFLAGGED')).toBe(3)
    expect(await onServer('INBOX', 'SUBJECT "Old "')).toBe(1)
    await expect.poll(() => onServer('Drafts', 'SUBJECT "For later"')).toBe(1)
    const { items } = await agent(proposalsApi.listProposals, {})
    expect(items.map(({ state }) => state)).toEqual(['partial'])
    const told = await agent(proposalsApi.getProposal, { params: { proposal_id: items[0]!.id } })
    const reasons = told.items.filter(({ state }) => state === 'declined').map(({ decided }) => decided?.reason)
    expect(reasons).toEqual(['We keep those.', 'We keep those.'])
    expectQuiet()
  })

  test('by the keyboard alone: opened, chosen, read, applied, declined, and on to the next that waits', async () => {
    const { open, sink } = world
    const before = sink.taken.length
    const [starred, moved] = [await addMail('Keys', 2), await addMail('Later', 2)]
    await change({ ids: starred, add: ['flagged'] })
    await change({ ids: moved, move_to: { folder: 'Archive' } })
    await askToSend('By keys', 'Only **keys**.')
    const { page } = await open('/approvals')
    await row(page).waitFor()
    await page.keyboard.press('j')
    await box(page, /Archive/).waitFor()
    // The first item is the current one; x takes it out, the arrow goes to the next.
    await page.keyboard.press('x')
    const focused = () => page.evaluate<string>("document.activeElement?.getAttribute('data-choose') ?? ''")
    const first = await focused()
    expect(first).not.toBe('')
    expect(await box(page, /star|flag/i).isChecked()).toBe(false)
    await page.keyboard.press('ArrowDown')
    expect(await focused()).not.toBe(first)
    await page.keyboard.press('ArrowUp')
    expect(await focused()).toBe(first)
    await page.keyboard.press('a')
    await page.frameLocator('iframe[title="The message as it will be sent"]').getByText('keys').first().waitFor()
    await expect.poll(() => apply(page).isEnabled()).toBe(true)
    // e opens the message for an edit, and Escape leaves it as it is.
    await page.keyboard.press('e')
    await page.getByRole('dialog', { name: 'Edit before it is sent' }).waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    expect(sink.taken.length).toBe(before)
    await page.keyboard.press('a')
    await page.getByText('Applied 2 items').waitFor()
    await expect.poll(focused).toBe(first)
    const other = await world.anotherAgent(`Other ${count}`, ['mail:organize'], { mode: 'propose' })
    const params = { account_id: world.accountId }
    await other(api.operations.changeMessages, { params, body: { ids: starred, add: ['seen'] } })
    await page.locator('[data-proposal]', { hasText: `Other ${count} proposes` }).waitFor()
    await page.keyboard.press('d')
    await page.getByRole('dialog', { name: 'Decline 1 item?' }).waitFor()
    await page.keyboard.type('Not now.')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await page.getByText('2 items applied, 1 not.').waitFor()
    const next = page.getByRole('link', { name: 'Next one waiting' })
    await expect.poll(() => next.evaluate(link => link === link.ownerDocument.activeElement)).toBe(true)
    await page.keyboard.press('Enter')
    await article(page)
      .getByRole('heading', { name: `Other ${count} proposes` })
      .waitFor()
    await page.keyboard.press('a')
    await page.getByText('All of it was applied.').waitFor()
    await expect.poll(() => onServer('INBOX', 'SUBJECT "Keys " SEEN UNFLAGGED')).toBe(2)
    await expect.poll(() => onServer('Archive', 'SUBJECT "Later "')).toBe(2)
    await expect.poll(() => sink.taken.length).toBe(before + 1)
  })

  test('what changes while it is open is told, and applied only when it was looked at again', async () => {
    const { open, person, sink } = world
    const before = sink.taken.length
    const starred = await addMail('Changing', 1)
    await change({ ids: starred, add: ['flagged'] })
    const held = await askToSend('Changing', 'The first words.')
    const { page } = await open('/approvals')
    await row(page).click()
    await box(page, /Send/).waitFor()
    await page.keyboard.press('a')
    const frame = page.frameLocator('iframe[title="The message as it will be sent"]')
    await frame.getByText('The first words.').waitFor()
    await expect.poll(() => apply(page).isEnabled()).toBe(true)
    const params = { approval_id: held.approval_id! }
    const body = { hash: held.hash, body: { format: 'markdown', content: 'Other words.' } }
    await person(approvalsApi.editHeld, { params, body })
    await article(page).getByText('Changed since you opened it: review again').waitFor()
    expect(await box(page, /Send|send/).isChecked()).toBe(false)
    await frame.getByText('Other words.').waitFor()
    expect(await apply(page).innerText()).toContain('Apply 1 of 2')
    await box(page, /Send|send/).check()
    await expect.poll(() => apply(page).innerText()).toContain('Apply all 2')
    await apply(page).click()
    await page.getByText('All of it was applied.').waitFor()
    await expect.poll(() => sink.taken.length).toBe(before + 1)
    expect(sink.taken.at(-1)!.bytes.toString()).toContain('Other words.')
    expect(sink.taken.at(-1)!.bytes.toString()).not.toContain('The first words.')
  })

  test('a burst of one agent is one notification, which opens the proposal and decides nothing', async () => {
    const { open } = world
    const starred = await addMail('Burst', 3)
    const { page } = await open('/')
    await page.addInitScript(`
      window.shown = []
      window.Notification = class extends EventTarget {
        static permission = 'granted'
        constructor(title, { tag }) { super(); window.shown.push({ title, tag, notice: this }) }
        close() {}
      }
      localStorage.setItem('rustymail.approval-notices', 'on')`)
    await page.goto(`${world.run.url}/`)
    await page.getByText('Live', { exact: true }).first().waitFor()
    for (const id of starred) await change({ ids: [id], add: ['flagged'] })
    await askToSend('Burst', 'Together.')
    await expect.poll(() => page.evaluate<number>('window.shown.length')).toBeGreaterThan(0)
    await page.getByRole('link', { name: /Approvals.*waiting/ }).waitFor()
    const shown = await page.evaluate<{ title: string; tag: string }[]>(
      'window.shown.map(({ title, tag }) => ({ title, tag }))',
    )
    expect(new Set(shown.map(({ title }) => title))).toEqual(new Set(['A proposal waits for you']))
    expect(new Set(shown.map(({ tag }) => tag)).size).toBe(1)
    await page.evaluate("window.shown.at(-1).notice.dispatchEvent(new Event('click'))")
    await article(page)
      .getByRole('heading', { name: `Assistant ${count} proposes` })
      .waitFor()
    expect(await onServer('INBOX', 'SUBJECT "Burst " FLAGGED')).toBe(0)
  })

  test('changes of mail and the outbox show what is only proposed, and lead to the proposal', async () => {
    const { open } = world
    const { id: operationId } = await change({ ids: await addMail('Linked', 1), add: ['flagged'] })
    const held = await askToSend('Linked', 'Where is it?')
    const { page } = await open(`/changes?operation=${operationId}`)
    const dialog = page.getByRole('dialog')
    await dialog.getByText('Proposed', { exact: true }).first().waitFor()
    await keepPicture(page, 'change-proposed-light-1440')
    await dialog.getByRole('link', { name: 'Open the proposal' }).click()
    await article(page)
      .getByRole('heading', { name: `Assistant ${count} proposes` })
      .waitFor()
    await page.goto(`${world.run.url}/outbox?open=${held.id}`)
    await page.getByRole('link', { name: 'Open the approval' }).click()
    await article(page)
      .getByRole('heading', { name: `Assistant ${count} proposes` })
      .waitFor()
    await page.frameLocator('iframe[title="The message as it will be sent"]').getByText('Where is it?').waitFor()
  })

  test.each([
    [320, 'dark'],
    [375, 'light'],
    [768, 'light'],
    [1440, 'dark'],
  ] as const)('at %i px with one thumb, %s', async (width, scheme) => {
    const { open } = world
    const moved = await addMail(`Wide${width}`, 12)
    await change({ ids: moved, move_to: { folder: 'Archive' } })
    await agent(api.operations.deleteMessages, { params: { account_id: world.accountId }, body: { ids: moved } })
    await askToSend(`At ${width}`, `Only at ${width}.`)
    const { page } = await open('/approvals', { width, height: width < 768 ? 640 : 900 })
    await setScheme(page, scheme)
    await row(page).waitFor()
    await expectNothingClipped(page, `proposals, ${width}`)
    await expectAccessible(page, `proposals, ${width}`)
    await row(page).click()
    await box(page, /Archive/).waitFor()
    for (const name of [/^Decline/, /^Read the message first/]) {
      const button = (await page.getByRole('button', { name }).boundingBox())!
      expect(Math.min(button.height, button.width)).toBeGreaterThanOrEqual(44)
      expect(button.y + button.height).toBeLessThanOrEqual(width < 768 ? 640 : 900)
    }
    await keepPicture(page, `proposal-${scheme}-${width}`)
    await card(page, /Archive/)
      .getByRole('button', { name: 'Show all 12 messages' })
      .click()
    // Of a list of any length only what is in sight is drawn; each row says how many there are.
    const rows = card(page, /Archive/).locator('li[aria-setsize="12"]')
    await rows
      .first()
      .getByText(/^Wide\d+ \d+$/)
      .waitFor()
    expect(
      await card(page, /Archive/)
        .locator('li:not([aria-setsize])')
        .count(),
    ).toBe(0)
    await expectNothingClipped(page, `a proposal, ${width}`)
    await expectAccessible(page, `a proposal, ${width}`)
    await page.getByRole('button', { name: /^Read the message first/ }).click()
    await page.frameLocator('iframe[title="The message as it will be sent"]').getByText(`Only at ${width}.`).waitFor()
    await keepPicture(page, `proposal-message-${scheme}-${width}`)
    await expectNothingClipped(page, `a message of a proposal, ${width}`)
    await expectAccessible(page, `a message of a proposal, ${width}`)
  })
})

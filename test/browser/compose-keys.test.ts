/** Keys and focus around a message being written, and what marks a held one: programs among its files, new recipients. */
import { beforeAll, describe, expect, test } from 'vitest'
import { draftsApi } from '../../contract/drafts.ts'
import { outboxApi } from '../../contract/outbox.ts'
import { type ActingWorld, startActingWorld } from '../support/acting-world.ts'
import { expectAccessible } from '../support/browser.ts'
import { available } from '../support/require.ts'

const hasAll = [available('chromium'), available('dovecot')].every(Boolean)

describe.skipIf(!hasAll)('in Chromium, on Dovecot', () => {
  let world: ActingWorld

  beforeAll(async () => {
    world = await startActingWorld()
    return world.stop
  })

  test('Escape closes the dialog of a message and not the message; a click beside its fields keeps the keys in it', async () => {
    const { page } = await world.open(`/mail?account=${world.accountId}`)
    await page.getByText('Lunch on Friday').first().waitFor()
    await page.keyboard.press('c')
    const message = page.getByRole('region', { name: 'New message', exact: true })
    await message.getByRole('combobox', { name: 'To' }).fill('bob@example.org,')
    // The row that the button opens takes its focus.
    await message.getByRole('button', { name: 'Cc and Bcc' }).press('Enter')
    await page.keyboard.type('dave@example.org,')
    await message.getByRole('button', { name: 'Remove dave@example.org' }).waitFor()
    const later = message.getByRole('button', { name: 'Send later' })
    await expect.poll(() => later.isEnabled()).toBe(true)
    await later.press('Enter')
    const dialog = page.getByRole('dialog', { name: 'Send later' })
    await expect.poll(() => dialog.getByLabel('Send at').evaluate('document.activeElement.type')).toBe('datetime-local')
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
    await expect.poll(() => page.evaluate('document.activeElement.ariaLabel')).toBe('Send later')
    await message.getByRole('heading', { name: 'New message' }).click()
    await page.keyboard.press('Escape')
    await message.waitFor({ state: 'detached' })
    await page.getByRole('button', { name: '(no subject)' }).waitFor()
  })

  test('a held message marks a program among its files and a recipient never written to, each once', async () => {
    const { agent, accountId, open, run } = world
    const params = { account_id: accountId }
    const { id, rev } = await agent(draftsApi.createDraft, {
      params,
      body: { mode: 'new', to: ['eve@nowhere.example'], body: { format: 'markdown', content: 'The invoice.' } },
    })
    const { page } = await open('/approvals')
    const upload = `${run.url}/api/v1/accounts/${accountId}/drafts/${id}/attachments?rev=${rev}&name=invoice.pdf.exe`
    expect(await page.evaluate(`fetch('${upload}', { method: 'POST', body: 'MZ' }).then(({ status }) => status)`)).toBe(
      201,
    )
    const held = await agent(outboxApi.sendDraft, { params: { ...params, draft_id: id }, body: { rev: rev + 1 } })
    await page.locator(`[data-approval="${held.approval_id}"]`).click()
    const article = page.getByRole('article', { name: 'What waits for approval' })
    const file = article.getByRole('link', { name: /^Download invoice\.pdf\.exe/ })
    await file.getByText('Program, not PDF', { exact: true }).waitFor()
    const recipient = article.getByRole('listitem').filter({ hasText: 'eve@nowhere.example' })
    await recipient.getByText('Never written to', { exact: true }).waitFor()
    const warnings = await article.getByRole('region', { name: 'Warnings' }).innerText()
    expect(warnings).toContain('The subject is empty.')
    expect(warnings).not.toContain('never written')
    await expectAccessible(page, 'a held program')
  })

  test('a button keeps the focus while its request runs, and takes no second press', async () => {
    const { page } = await world.open('/audit')
    const held = Promise.withResolvers<void>()
    let asked = 0
    await page.route(/audit\/verify/, async route => {
      asked++
      await held.promise
      await route.continue()
    })
    await page.getByRole('button', { name: 'Verify' }).press('Enter')
    const busy = page.getByRole('button', { name: 'Reading the whole trail' })
    await busy.waitFor()
    expect(await busy.isDisabled()).toBe(true)
    await page.keyboard.press('Enter')
    held.resolve()
    await page.getByText('The trail is intact').waitFor()
    expect([await page.evaluate('document.activeElement.innerText'), asked]).toEqual(['Verify', 1])
  })
})

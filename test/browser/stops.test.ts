/** What holds a program back: the policy of its token, the stop that a person presses, and the outbox that shows both. */
import type { Page } from 'playwright-core'
import { beforeAll, describe, expect, test } from 'vitest'
import { draftsApi } from '../../contract/drafts.ts'
import { freezesApi } from '../../contract/freezes.ts'
import { api } from '../../contract/index.ts'
import { outboxApi } from '../../contract/outbox.ts'
import { policyApi } from '../../contract/policy.ts'
import { type ActingWorld, startActingWorld } from '../support/acting-world.ts'
import { expectAccessible, expectNothingClipped, keepPicture, setScheme } from '../support/browser.ts'
import { available } from '../support/require.ts'

const hasAll = [available('chromium'), available('dovecot')].every(Boolean)

describe.skipIf(!hasAll)('in Chromium, on Dovecot', () => {
  let world: ActingWorld

  beforeAll(async () => {
    world = await startActingWorld()
    return world.stop
  })

  async function send(to: string) {
    const { agent, accountId } = world
    const params = { account_id: accountId }
    const body = { mode: 'new', to: [to], subject: `To ${to}`, body: { format: 'text', content: 'Hello.' } }
    const draft = await agent(draftsApi.createDraft, { params, body })
    return agent(outboxApi.sendDraft, { params: { ...params, draft_id: draft.id }, body: { rev: draft.rev } })
  }
  const item = (page: Page, id: string) => page.locator(`[data-submission="${id}"]`)

  test('the policy of a token is read in plain words, edited, and takes effect immediately', async () => {
    const { open, person, tokenId, sink } = world
    const { page, expectQuiet } = await open('/tokens')
    await page.getByRole('button', { name: 'Policy: Support agent' }).click()
    const read = page.getByRole('dialog', { name: 'Policy of Support agent' })
    await read.getByText('Default', { exact: true }).waitFor()
    const { words } = await person(policyApi.getTokenPolicy, { params: { token_id: tokenId } })
    for (const sentence of words) await read.getByText(sentence, { exact: true }).waitFor()
    await expectAccessible(page, 'a policy')
    await keepPicture(page, 'policy-light-1440')
    await read.getByRole('button', { name: 'Edit the policy' }).click()
    const edit = page.getByRole('dialog', { name: 'Edit the policy of Support agent' })
    await edit.getByRole('checkbox', { name: 'Every message' }).uncheck()
    await edit.getByRole('checkbox', { name: 'Messages to strangers' }).uncheck()
    await edit.getByText('It sends without approval.').waitFor()
    await edit.getByRole('radio', { name: 'Only those listed' }).first().check()
    await edit.getByLabel('Allowed recipients').fill('nobody')
    await edit.getByLabel('Messages per day').fill('1.5')
    await edit.getByRole('button', { name: 'Save the policy' }).click()
    await edit.getByText('nobody is neither an address nor @domain.').waitFor()
    await edit.getByLabel('Allowed recipients').fill('@example.org')
    await edit.getByLabel('Messages per day').fill('5')
    await expectAccessible(page, 'the editor of a policy')
    await keepPicture(page, 'policy-edit-light-1440')
    await edit.getByRole('button', { name: 'Save the policy' }).click()
    await read.getByText(/^Set on .* by Ada Admin\.$/).waitFor()
    const { policy } = await person(policyApi.getTokenPolicy, { params: { token_id: tokenId } })
    expect(policy.sending).toMatchObject({ recipients: ['@example.org'], max_per_day: 5, max_per_hour: 60 })
    await expect(send('eve@elsewhere.example')).rejects.toThrow('policy_denied')
    await send('anne@example.org')
    await expect.poll(() => sink.taken.flatMap(({ to }) => to)).toEqual(['anne@example.org'])
    expectQuiet()
  })

  test('a stop is one press and one confirmation away, shown above every page, and lifted there', async () => {
    const { open, agent, accountId, sink } = world
    const before = sink.taken.length
    const { page, expectQuiet } = await open('/outbox')
    await page.getByRole('button', { name: 'Stop all programs' }).click()
    const dialog = page.getByRole('dialog', { name: 'Stop all programs?' })
    await dialog.getByLabel('Reason').fill('It writes nonsense')
    await expectAccessible(page, 'a stop')
    await dialog.getByRole('button', { name: 'Stop now' }).click()
    await page.getByText('All programs are stopped').waitFor()
    await page.getByText('It writes nonsense').waitFor()
    await expect(send('anne@example.org')).rejects.toThrow('frozen')
    // Reading goes on.
    await agent(draftsApi.listDrafts, { params: { account_id: accountId } })
    expect(await page.getByRole('button', { name: 'Stop all programs' }).count()).toBe(0)
    await keepPicture(page, 'stopped-light-1440')
    await page.getByRole('link', { name: 'Tokens' }).first().click()
    await page.getByText('All programs are stopped').waitFor()
    const status = page.getByRole('row').filter({ hasText: 'Support agent' }).getByRole('cell').nth(3)
    await status.getByText('with all programs').waitFor()
    await page.getByRole('button', { name: 'Lift the stop' }).click()
    await page.getByText('All programs are stopped').waitFor({ state: 'hidden' })
    await status.getByText('Active', { exact: true }).waitFor()
    await send('anne@example.org')
    await expect.poll(() => sink.taken.length).toBe(before + 1)
    expectQuiet()
  })

  test('a token is stopped in its row; a stop by another is on the page without a reload', async () => {
    const { open, person, accountId } = world
    const { page } = await open('/tokens')
    await page.getByRole('button', { name: 'Stop: Support agent' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Stop now' }).click()
    await page.getByText('The token Support agent is stopped').waitFor()
    await expect(send('anne@example.org')).rejects.toThrow('frozen')
    await page.getByRole('button', { name: 'Lift the stop' }).click()
    await page.getByText('The token Support agent is stopped').waitFor({ state: 'hidden' })
    const { id } = await person(freezesApi.freeze, { body: { account_id: accountId } })
    await page.getByText('The account Alice is stopped').waitFor()
    await person(freezesApi.liftFreeze, { params: { freeze_id: id } })
    await page.getByText('The account Alice is stopped').waitFor({ state: 'hidden' })
  })

  test('the outbox shows what the mail server said of each recipient, live, and what can be done', async () => {
    const { open, person, sink } = world
    const { page, expectQuiet } = await open('/outbox?show=all')
    await page.getByRole('list', { name: 'Messages' }).waitFor()
    // Messages say of which account they are where there are several.
    const named = page.getByRole('listitem').filter({ hasText: 'Alice · Support agent' }).first()
    expect(await named.count()).toBe(0)
    const imap = { host: 'imap.example.org', port: 993, tls: 'implicit', user: 'bob', password: 'secret' }
    const body = { name: 'Bob', email: 'bob@example.org', enabled: false, imap }
    const other = await person(api.accounts.createAccount, { body, query: { verify: 'false' } })
    await named.waitFor()
    await person(api.accounts.deleteAccount, { params: { account_id: other.id } })
    await named.waitFor({ state: 'detached' })
    sink.script = {
      ...sink.script,
      onCommand: line => (/^RCPT TO:<gone@/i.test(line) ? '550 5.1.1 No such user here' : undefined),
    }
    const { id } = await send('gone@example.org')
    await item(page, id).getByText('Failed').waitFor()
    await item(page, id).getByRole('button').first().click()
    await item(page, id).getByText('550 5.1.1 No such user here').first().waitFor()
    await item(page, id).getByText('Nobody got it.').waitFor()
    await expectAccessible(page, 'the outbox')
    await keepPicture(page, 'outbox-light-1440')
    sink.script = { password: 'pw-alice' }
    await item(page, id).getByRole('button', { name: 'Try again' }).click()
    await item(page, id).getByText('Sent', { exact: true }).waitFor()
    for (const [width, scheme] of [
      [320, 'dark'],
      [768, 'light'],
    ] as const) {
      await page.setViewportSize({ width, height: 700 })
      await setScheme(page, scheme)
      await expectNothingClipped(page, `the outbox, ${width}`)
      await expectAccessible(page, `the outbox, ${width}`)
      await keepPicture(page, `outbox-${scheme}-${width}`)
    }
    expectQuiet()
  })

  test('a webhook is made for a token; its secret is shown once; it is tested and deleted', async () => {
    const { page, expectQuiet } = await world.open('/tokens/webhooks')
    await page.getByRole('button', { name: 'Create a webhook' }).click()
    // What is missing is said at its field, in words of the page, and the first of them has the focus.
    const form = page.getByRole('dialog', { name: 'Create a webhook' })
    await form.getByRole('button', { name: 'Create', exact: true }).click()
    await form.getByText('Enter a name.').waitFor()
    await form.getByText('Enter the address of your program.').waitFor()
    expect(await page.evaluate('document.activeElement.name')).toBe('name')
    await expectAccessible(page, 'a webhook that lacks something')
    // A cancelled file chooser or IME composition closes no dialog.
    await page.evaluate("document.activeElement.dispatchEvent(new Event('cancel', { bubbles: true }))")
    await page.getByLabel('Name').fill('Nightly')
    const composed =
      "new KeyboardEvent('keydown', { key: 'Escape', isComposing: true, bubbles: true, cancelable: true })"
    expect(await page.evaluate(`document.activeElement.dispatchEvent(${composed})`)).toBe(true)
    // Escape asks before it discards that, and a second one takes the question back.
    const question = form.getByText('Discard what you entered?')
    await page.keyboard.press('Escape')
    await question.waitFor()
    await expectAccessible(page, 'a webhook that may be discarded')
    await page.keyboard.press('Escape')
    await question.waitFor({ state: 'detached' })
    expect(await page.evaluate('document.activeElement.name')).toBe('name')
    expect(await page.getByLabel('Name').inputValue()).toBe('Nightly')
    // The same when the focus was outside of the fields, however often; to type on takes it back, too.
    await form.getByRole('heading').click()
    for (const state of ['visible', 'detached', 'visible', 'detached', 'visible'] as const) {
      await page.keyboard.press('Escape')
      await question.waitFor({ state })
    }
    await page.getByLabel('Name').pressSequentially('!')
    await question.waitFor({ state: 'detached' })
    await page.getByLabel('Name').fill('Nightly')
    // Nothing listens there.
    await page.getByLabel('URL').fill('https://localhost:1/hook')
    await page.getByRole('button', { name: 'Create', exact: true }).click()
    expect(await page.getByLabel('Secret of Nightly').inputValue()).toMatch(/^whsec_/)
    await expectAccessible(page, 'the secret of a webhook')
    await page.getByRole('button', { name: 'I have copied it' }).click()
    await page.getByRole('button', { name: 'Test: Nightly' }).click()
    await page.getByText('Test failed').waitFor()
    await page.getByText('cannot be reached, ').waitFor()
    await page.getByRole('button', { name: 'Deliveries: Nightly' }).click()
    const dialog = page.getByRole('dialog')
    const attempt = dialog.getByRole('listitem').filter({ hasText: 'test' }).first()
    await attempt.locator('summary').click()
    await attempt.getByText('webhook-timestamp').waitFor()
    await expectAccessible(page, 'the deliveries of a webhook')
    await dialog.getByRole('button', { name: 'Close' }).last().click()
    const choose = async (action: string) => {
      await page.getByRole('button', { name: 'More: Nightly' }).click()
      await page.getByRole('button', { name: action, exact: true }).click()
    }
    await choose('Order')
    await dialog.getByLabel('Order').selectOption({ label: 'Per account' })
    await expectAccessible(page, 'the order of a webhook')
    await dialog.getByRole('button', { name: 'Save' }).click()
    await dialog.waitFor({ state: 'detached' })
    await choose('Order')
    expect(await dialog.getByLabel('Order').inputValue()).toBe('account')
    await dialog.getByRole('button', { name: 'Cancel' }).click()
    await choose('Disable')
    await page.getByRole('button', { name: 'Enable: Nightly' }).click()
    await page.getByRole('button', { name: 'Enable: Nightly' }).waitFor({ state: 'detached' })
    await choose('Delete')
    await dialog.getByRole('button', { name: 'Delete', exact: true }).click()
    await page.getByText('No webhooks yet').waitFor()
    expectQuiet()
  })
})

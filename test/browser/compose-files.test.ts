/** Writing on the page, beside the words: files that are dropped, pasted and approved; signatures; what is taken back; a sign-in in between. */
import { readFileSync } from 'node:fs'
import type { Page } from 'playwright-core'
import { beforeAll, describe, expect, test } from 'vitest'
import { approvalsApi, defaultApprovalSettings } from '../../contract/approvals.ts'
import { draftsApi } from '../../contract/drafts.ts'
import { outboxApi } from '../../contract/outbox.ts'
import { type ActingWorld, startActingWorld } from '../support/acting-world.ts'
import { expectAccessible, expectNothingClipped, keepPicture } from '../support/browser.ts'
import { available } from '../support/require.ts'
import { administrator } from '../support/signed-in.ts'

const hasAll = [available('chromium'), available('dovecot')].every(Boolean)

describe.skipIf(!hasAll)('in Chromium, on Dovecot', () => {
  let world: ActingWorld

  beforeAll(async () => {
    world = await startActingWorld()
    return world.stop
  })

  const newMessage = (page: Page) => page.getByRole('region', { name: 'New message', exact: true })
  const isSaved = (page: Page) =>
    page
      .getByRole('status')
      .filter({ hasText: /^Saved$/ })
      .waitFor()
  const draftsOf = async () =>
    (await world.person(draftsApi.listDrafts, { params: { account_id: world.accountId } })).items
  const beginMessage = async () => {
    const { page, expectQuiet } = await world.open(`/mail?account=${world.accountId}`)
    await page
      .getByRole('button', { name: /Lunch on Friday/ })
      .or(page.getByText('Lunch on Friday'))
      .first()
      .waitFor()
    await page.keyboard.press('c')
    await newMessage(page).waitFor()
    return { page, expectQuiet, message: newMessage(page) }
  }
  /** As the browser does it when files are dropped or pasted: the page sees nothing but the event. */
  const give = (page: Page, kind: 'drop' | 'paste', files: [name: string, type: string, text: string][], text = '') =>
    page.evaluate(
      `(() => {
        const [kind, files, text] = ${JSON.stringify([kind, files, text])}
        const data = new DataTransfer()
        for (const [name, type, words] of files) data.items.add(new File([words], name, { type }))
        if (text !== '') data.setData('text/plain', text)
        const box = document.querySelector('section[aria-label="New message"] textarea')
        const fire = type =>
          box.dispatchEvent(
            type === 'paste'
              ? new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true })
              : new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true }),
          )
        if (kind === 'paste') return fire('paste')
        fire('dragenter')
        fire('dragover')
        fire('drop')
      })()`,
    )

  test('files are attached by dropping and by pasting them; text that is pasted with a picture stays text', async () => {
    const { page, message, expectQuiet } = await beginMessage()
    await message.getByRole('textbox', { name: 'Subject' }).fill('Files')
    const dropped: [string, string, string][] = [
      ['plan.txt', 'text/plain', 'the plan'],
      ['map.txt', 'text/plain', 'the map'],
    ]
    await give(page, 'drop', dropped)
    for (const [name] of dropped) await message.getByRole('button', { name: `Remove ${name}` }).waitFor()
    await message.getByText('Drop to attach').waitFor({ state: 'hidden' })
    await give(page, 'paste', [['shot.png', 'image/png', 'a picture']])
    await message.getByRole('button', { name: 'Remove shot.png' }).waitFor()
    await give(page, 'paste', [['table.png', 'image/png', 'a table']], 'a table')
    await isSaved(page)
    const draft = (await draftsOf()).find(({ subject }) => subject === 'Files')!
    expect(draft.attachments.map(({ name, type, size_bytes }) => [name, type, size_bytes])).toEqual([
      ['plan.txt', 'text/plain', 8],
      ['map.txt', 'text/plain', 7],
      ['shot.png', 'image/png', 9],
    ])
    await expectAccessible(page, 'a draft with files')
    expectQuiet()
  })

  test('the seconds to undo are no more than were set; taken back and closed, the keyboard goes on; what is left is listed', async () => {
    const { person } = world
    await person(approvalsApi.setApprovalSettings, { body: { ...defaultApprovalSettings, undo_seconds: 50 } })
    const { page, message } = await beginMessage()
    // The clock of the browser is behind by so much that a second more would be shown.
    await message.getByRole('combobox', { name: 'To' }).fill('bob@example.org,')
    await message.getByRole('textbox', { name: 'Subject' }).fill('Taken back')
    await message.getByRole('textbox', { name: 'Text', exact: true }).fill('Not yet.')
    await page.evaluate(`{
      window.seconds = []
      new MutationObserver(() => {
        const [, left] = /Sending in (\\d+) s/.exec(document.body.innerText) ?? []
        if (left !== undefined) window.seconds.push(Number(left))
      }).observe(document.body, { childList: true, subtree: true, characterData: true })
    }`)
    await page.keyboard.press('Control+Enter')
    await page.getByRole('button', { name: 'Undo', exact: true }).click()
    await message.waitFor()
    const seconds = await page.evaluate<number[]>('window.seconds')
    expect(seconds.length).toBeGreaterThan(0)
    expect(Math.max(...seconds)).toBeLessThanOrEqual(50)
    await expect.poll(() => message.getByRole('textbox', { name: 'Text', exact: true }).inputValue()).toBe('Not yet.')
    await expect
      .poll(() => page.evaluate('document.activeElement.closest("section[aria-label=\'New message\']") !== null'))
      .toBe(true)
    await page.keyboard.press('Escape')
    await message.waitFor({ state: 'hidden' })
    // On the page again, so that its keys work at once.
    await expect.poll(() => page.evaluate('document.activeElement.closest("#content") !== null')).toBe(true)
    await page.keyboard.press('c')
    await message.waitFor()
    // Another page is opened before anything is saved: it is saved all the same, and listed as it is.
    await message.getByRole('textbox', { name: 'Subject' }).fill('Left behind')
    await page.evaluate("history.pushState(null, '', '/outbox'); dispatchEvent(new PopStateEvent('popstate'))")
    await message.waitFor({ state: 'hidden' })
    await expect.poll(async () => (await draftsOf()).map(({ subject }) => subject)).toContain('Left behind')
    await page.goBack()
    await message.waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: /Left behind/ }).waitFor()
  })

  test('how an account signs is kept, refused where an address is none, and is below the next message', async () => {
    const { page } = await world.open(`/accounts/${world.accountId}`)
    const form = page.getByRole('region', { name: 'Signature and sending' })
    const save = form.getByRole('button', { name: 'Save' })
    await form.getByRole('textbox', { name: /^Text/ }).waitFor()
    expect(await save.isDisabled()).toBe(true)
    await form.getByRole('textbox', { name: /^Text/ }).fill('Alice **Example**')
    await form.getByRole('textbox', { name: /^Name in From/ }).fill('Alice E.')
    await form.getByRole('textbox', { name: /^Your other addresses/ }).fill('alice@example.net\nnonsense')
    await save.click()
    await form.getByText('nonsense is not an address.').waitFor()
    await form.getByRole('textbox', { name: /^Your other addresses/ }).fill('Sales <alice@example.net>')
    await form.getByRole('combobox', { name: 'Default sender' }).selectOption('alice@example.net')
    await form.getByRole('combobox', { name: /^Copy of sent mail/ }).selectOption('Always')
    await save.click()
    await page.getByText('Signature and sending saved').waitFor()
    await expectAccessible(page, 'a signature')
    await expectNothingClipped(page, 'a signature')
    const params = { account_id: world.accountId }
    expect(await world.person(draftsApi.getSignature, { params })).toMatchObject({
      ...{
        content: 'Alice **Example**',
        from_name: 'Alice E.',
        sent_copy: 'always',
        default_from: 'alice@example.net',
      },
      aliases: [{ email: 'alice@example.net', name: 'Sales' }],
    })
    await page.reload()
    await expect.poll(() => form.getByRole('textbox', { name: /^Text/ }).inputValue()).toBe('Alice **Example**')
    const body = { format: 'markdown' as const, content: 'Hello.' }
    const draft = await world.person(draftsApi.createDraft, { params, body: { mode: 'new', subject: 'Signed', body } })
    const shown = await world.person(draftsApi.previewDraft, { params: { ...params, draft_id: draft.id } })
    expect([draft.from.name, shown.html]).toEqual(['Sales', expect.stringContaining('<strong>Example</strong>')])
  })

  test('what is held is downloaded as it will leave; approving asks for a sign-in where that is too long ago, and then approves what was looked at', async () => {
    const { agent, accountId, open, sink, run } = world
    const params = { account_id: accountId }
    const content = { format: 'markdown' as const, content: 'The plan is attached.' }
    const { id, rev } = await agent(draftsApi.createDraft, {
      params,
      body: { mode: 'new', to: ['bob@example.org'], subject: 'Plan', body: content },
    })
    const secret = (await world.person(draftsApi.getDraft, { params: { ...params, draft_id: id } })).id
    expect(secret).toBe(id)
    const { page } = await open('/approvals')
    // By the page's own session: what a program attaches is attached alike.
    const upload = `${run.url}/api/v1/accounts/${accountId}/drafts/${id}/attachments?rev=${rev}&name=plan.txt`
    const attached = await page.evaluate<number>(
      `fetch('${upload}', { method: 'POST', body: 'the plan itself', headers: { 'content-type': 'text/plain' } }).then(({ status }) => status)`,
    )
    expect(attached).toBe(201)
    const held = await agent(outboxApi.sendDraft, { params: { ...params, draft_id: id }, body: { rev: rev + 1 } })
    await page.locator(`[data-approval="${held.approval_id}"]`).click()
    const link = page.getByRole('link', { name: /Download plan\.txt/ })
    await link.waitFor()
    const [download] = await Promise.all([page.waitForEvent('download'), link.click()])
    expect([download.suggestedFilename(), readFileSync(await download.path(), 'utf8')]).toEqual([
      'plan.txt',
      'the plan itself',
    ])

    const frame = page.frameLocator('iframe[title="The message as it will be sent"]')
    const isSeen = async () => {
      await frame.getByText('The plan is attached.').first().waitFor()
      await expect.poll(() => page.getByRole('button', { name: /^Approve/ }).isEnabled()).toBe(true)
    }
    await isSeen()
    const refusal = {
      ...{ type: '/problems/recent_sign_in_required', title: 'A recent sign-in is required', status: 403 },
      ...{ detail: 'Sign in again to approve.', instance: 'x', code: 'recent_sign_in_required' },
    }
    let asked = 0
    await page.route('**/api/v1/approvals/*/approve', (route, request) => {
      if (request.method() !== 'POST' || ++asked > 1) return route.continue()
      return route.fulfill({ status: 403, contentType: 'application/problem+json', body: JSON.stringify(refusal) })
    })
    await page.keyboard.press('a')
    const dialog = page.getByRole('dialog', { name: 'Sign in again to approve' })
    await dialog.getByLabel('Current password').waitFor()
    await keepPicture(page, 'sign-in-again-light-1440')
    await expectAccessible(page, 'a sign-in in between')
    await dialog.getByLabel('Current password').fill('not the password')
    await dialog.getByRole('button', { name: 'Sign in', exact: true }).click()
    await dialog.getByRole('alert').waitFor()
    expect(sink.taken).toEqual([])
    await dialog.getByLabel('Current password').fill(administrator.password)
    await dialog.getByRole('button', { name: 'Sign in', exact: true }).click()
    await dialog.waitFor({ state: 'hidden' })
    // Nothing is approved by signing in.
    await isSeen()
    expect([asked, sink.taken]).toEqual([1, []])
    await page.keyboard.press('a')
    await expect.poll(() => sink.taken.length).toBe(1)
    expect(sink.taken[0]!.bytes.toString()).toContain(Buffer.from('the plan itself').toString('base64'))
  })

  test('at 768 px the names of folders are whole', async () => {
    const { page } = await world.open(`/mail?account=${world.accountId}`, { width: 768, height: 1024 })
    await page.getByText('Lunch on Friday').first().waitFor()
    // As many as a mailbox has after some years.
    await page.evaluate("document.querySelector('section[aria-label=Messages] h2 + span').textContent = '12,345'")
    await page.getByRole('link', { name: 'Folders', exact: true }).waitFor()
    await keepPicture(page, 'mail-folders-light-768')
    await expectNothingClipped(page, 'mail, 768')
    const cut = await page.evaluate<string[]>(
      "[...document.querySelectorAll('.truncate')].filter(one => one.checkVisibility() && one.scrollWidth > one.clientWidth).map(one => one.innerText)",
    )
    expect(cut.filter(text => /inbox/i.test(text))).toEqual([])
  })
})

/** From an agent's request to the accepting server: what a user saw on the page is what leaves, and nothing else. */
import type { Page } from 'playwright-core'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { approvalsApi, defaultApprovalSettings } from '../../contract/approvals.ts'
import { draftsApi } from '../../contract/drafts.ts'
import { api } from '../../contract/index.ts'
import { outboxApi } from '../../contract/outbox.ts'
import { type ActingWorld, startActingWorld } from '../support/acting-world.ts'
import { expectAccessible, expectNothingClipped, keepPicture, setScheme, visit } from '../support/browser.ts'
import { available } from '../support/require.ts'
import { administrator, signIn } from '../support/signed-in.ts'
import { hello, startStdio } from '../support/stdio-program.ts'
import { addAuthenticator } from '../support/virtual-authenticator.ts'

/** Presses the first button of the first card, and then whatever has taken its place. Resolves with what that was. */
const pressTwice = `new Promise(done => {
  const [first] = document.querySelectorAll('[data-prompt]')
  const button = first.querySelector('button')
  const { x, y } = button.getBoundingClientRect()
  new MutationObserver((_, observer) => {
    if (first.isConnected) return
    observer.disconnect()
    const other = document.elementFromPoint(x + 9, y + 9)
    other.click()
    done(other.ariaLabel)
  }).observe(document.body, { childList: true, subtree: true })
  button.click()
})`

const hasAll = [available('chromium'), available('dovecot')].every(Boolean)

describe.skipIf(!hasAll)('in Chromium, on Dovecot', () => {
  let world: ActingWorld

  beforeAll(async () => {
    world = await startActingWorld()
    return world.stop
  })

  /** The agent replies to Bob, and requests to send that. */
  async function ask(content: string) {
    const { agent, accountId, messageRef } = world
    const params = { account_id: accountId }
    const body = { mode: 'reply', message: messageRef, body: { format: 'markdown', content } }
    const draft = await agent(draftsApi.createDraft, { params, body })
    const named = { ...params, draft_id: draft.id }
    return agent(outboxApi.sendDraft, { params: named, body: { rev: draft.rev } })
  }
  const row = (page: Page, id: string) => page.locator(`[data-approval="${id}"]`)
  const article = (page: Page) => page.getByRole('article', { name: 'What waits for approval' })
  const frame = (page: Page) => page.frameLocator('iframe[title="The message as it will be sent"]')
  const approve = (page: Page) => page.getByRole('button', { name: /^Approve/ })
  const isSeen = async (page: Page, words: string) => {
    await frame(page).getByText(words).first().waitFor()
    await expect.poll(() => approve(page).isEnabled()).toBe(true)
  }

  test('what an agent asks for is on the page at once, and what is approved there is what the server gets', async () => {
    const { open, agent, sink } = world
    const { page, expectQuiet } = await open('/approvals')
    await page.getByText('Nothing waits', { exact: true }).waitFor()
    const submission = await ask('At **noon**, gladly.')
    expect(submission.state).toBe('held')
    const id = submission.approval_id!
    await row(page, id).waitFor()
    await expect.poll(() => page.title()).toContain('(1) ')
    await page.getByRole('link', { name: /Approvals.*1.*waiting/ }).waitFor()
    expect(await page.locator('link[rel="icon"]').getAttribute('href')).toContain('data:image/svg+xml')
    // Nothing is open, so no key decides.
    for (const key of ['a', 'd', 'e']) await page.keyboard.press(key)
    expect(await page.getByRole('dialog').count()).toBe(0)
    expect((await agent(approvalsApi.getApproval, { params: { approval_id: id } })).state).toBe('waiting')

    await row(page, id).click()
    await isSeen(page, 'noon')
    const words = await article(page).innerText()
    expect(words).toContain('Support agent')
    expect(words).toContain('bob@example.org')
    // The requester's activity is above the request, and visible with it.
    const activity = article(page).getByRole('region', { name: 'Activity' })
    expect(await activity.innerText()).toMatch(/Support agent in the last hour: .*1 message held/)
    expect(words.indexOf('in the last hour')).toBeLessThan(words.indexOf('Why it is held'))
    expect(await article(page).getByRole('note').count()).toBe(0)
    await keepPicture(page, 'approval-light-1440')
    await expectAccessible(page, 'an approval')
    await page.getByRole('button', { name: 'New and quoted' }).click()
    await page.getByRole('button', { name: /^Show \d+ quoted lines?$/ }).waitFor()
    await keepPicture(page, 'approval-new-light-1440')
    await page.getByRole('button', { name: 'Headers' }).click()
    await article(page).getByText('<lunch@example.org>').first().waitFor()
    const { content } = await agent(approvalsApi.getApproval, { params: { approval_id: id } })
    await page.keyboard.press('a')
    await page.getByText('Approved by Ada Admin.').waitFor()
    await expect.poll(() => sink.taken.length).toBe(1)
    expect(sink.taken[0]).toMatchObject({ sha256: content.sha256, to: ['bob@example.org'] })
    await expect.poll(() => page.title()).not.toContain('(1) ')
    // A second press is a no-op, and there is no other request under it.
    await page.keyboard.press('a')
    expect(await row(page, id).count()).toBe(0)
    expectQuiet()
  })

  test('what is denied says why, and is not sent; what is decided elsewhere is told where it is open', async () => {
    const { open, agent, person, sink } = world
    const before = sink.taken.length
    const hidden = '<i style="display:none">pin 4711</i>'
    const [denied, other] = [await ask(`Send me your password.${hidden}`), await ask('Another answer.')]
    const { page } = await open(`/approvals?open=${denied.approval_id}`)
    await isSeen(page, 'Send me your password.')
    // Typing a reason before its field exists approves nothing by one of its letters.
    const press = (key: string) =>
      `document.body.dispatchEvent(new KeyboardEvent('keydown', { key: '${key}', bubbles: true }))`
    await page.evaluate([...'was'].map(press).join(';'))
    await article(page).getByRole('note').getByText('pin 4711').waitFor()
    await page.keyboard.press('d')
    const dialog = page.getByRole('dialog', { name: 'Deny this message?' })
    await dialog.getByLabel('Reason').fill('We never ask for that.')
    await expectAccessible(page, 'a denial')
    await dialog.getByRole('button', { name: 'Deny' }).click()
    await page.getByText('Denied by Ada Admin.').waitFor()
    const told = await agent(approvalsApi.getApproval, { params: { approval_id: denied.approval_id! } })
    expect(told.decisions[0]).toMatchObject({ decision: 'deny', reason: 'We never ask for that.' })

    await row(page, other.approval_id!).click()
    await isSeen(page, 'Another answer.')
    const named = { params: { approval_id: other.approval_id! } }
    await person(approvalsApi.deny, { ...named, body: { hash: other.hash } })
    await page.getByText('Denied by Ada Admin.').waitFor()
    expect(await approve(page).count()).toBe(0)
    await page.getByRole('link', { name: 'Decided' }).click()
    await row(page, other.approval_id!).getByText('Denied').waitFor()
    expect(sink.taken.length).toBe(before)
  })

  test('what is edited is shown again before it is approved; an edit by another is not approved unseen', async () => {
    const { open, person, sink } = world
    const before = sink.taken.length
    const submission = await ask('At noon, dear Bob.')
    const params = { approval_id: submission.approval_id! }
    const { page } = await open(`/approvals?open=${submission.approval_id}`)
    await isSeen(page, 'At noon, dear Bob.')
    await page.keyboard.press('e')
    const dialog = page.getByRole('dialog', { name: 'Edit before it is sent' })
    await dialog.getByRole('textbox', { name: 'Text' }).fill('At one, dear Bob.')
    await dialog.getByRole('button', { name: 'Save and review' }).click()
    await dialog.waitFor({ state: 'hidden' })
    await page.getByRole('button', { name: 'Show the new version' }).click()
    await isSeen(page, 'At one, dear Bob.')
    expect(sink.taken.length).toBe(before)

    const seen = await person(approvalsApi.getApproval, { params })
    const body = { hash: seen.hash, body: { format: 'markdown', content: 'At two, dear Bob.' } }
    await person(approvalsApi.editHeld, { params, body })
    await page.getByRole('button', { name: 'Show the new version' }).waitFor()
    await page.keyboard.press('a')
    expect(await approve(page).isDisabled()).toBe(true)
    await page.getByRole('button', { name: 'Show the new version' }).click()
    await isSeen(page, 'At two, dear Bob.')
    const { content } = await person(approvalsApi.getApproval, { params })
    await page.keyboard.press('a')
    await expect.poll(() => sink.taken.length).toBe(before + 1)
    expect(sink.taken.at(-1)!.sha256).toBe(content.sha256)
  })

  test('where the settings want it, a passkey confirms each approval, and what the server gets is what was confirmed', async () => {
    const { run, browser, person, sink } = world
    const before = sink.taken.length
    // Browsers allow passkeys on host names only.
    const url = run.url.replace('127.0.0.1', 'localhost')
    const storageState = await signIn(browser, url)
    const { page, context } = await visit(browser, `${url}/profile`, { width: 1440, storageState })
    const authenticator = await addAuthenticator(await context.newCDPSession(page))
    await person(approvalsApi.setApprovalSettings, { body: { ...defaultApprovalSettings, passkey: true } })
    onTestFinished(async () => {
      await person(approvalsApi.setApprovalSettings, { body: defaultApprovalSettings })
    })
    const submission = await ask('With a passkey, dear Bob.')
    const params = { approval_id: submission.approval_id! }
    const shown = await person(approvalsApi.getApproval, { params })
    expect([shown.can, shown.cannot_because]).toEqual([['edit', 'deny'], expect.stringContaining('passkey')])
    await page.getByRole('button', { name: 'Add a passkey' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Name').fill('A key of this test')
    await dialog.getByLabel('Current password', { exact: true }).fill(administrator.password)
    await page.keyboard.press('Enter')
    await dialog.waitFor({ state: 'hidden' })
    await page.goto(`${url}/approvals?open=${submission.approval_id}`)
    await isSeen(page, 'With a passkey, dear Bob.')
    await page.getByText('You confirm it with your passkey.').waitFor()
    await expectAccessible(page, 'an approval with a passkey')
    // Without PIN or fingerprint nothing is approved.
    await authenticator.verifies(false)
    await page.keyboard.press('a')
    await page.getByText('No passkey was used').waitFor()
    expect((await person(approvalsApi.getApproval, { params })).state).toBe('waiting')
    await authenticator.verifies(true)
    const { content, hash } = await person(approvalsApi.getApproval, { params })
    await expect(person(approvalsApi.approve, { params, body: { hash } })).rejects.toThrow('passkey_required')
    await page.keyboard.press('a')
    await page.getByText('Approved by Ada Admin.').waitFor()
    await expect.poll(() => sink.taken.length).toBe(before + 1)
    expect(sink.taken.at(-1)!.sha256).toBe(content.sha256)
  })

  test('a user who turned notifications on is notified by the browser; the notification opens the approval and decides nothing', async () => {
    const { open, agent } = world
    const { page } = await open('/')
    await page.addInitScript(`
      window.shown = []
      window.Notification = class extends EventTarget {
        static permission = 'default'
        static requestPermission = async () => (Notification.permission = 'granted')
        constructor(title, { body }) { super(); window.shown.push({ words: title + ': ' + body, notice: this }) }
        close() {}
      }`)
    await page.goto(`${world.run.url}/approvals`)
    await page.getByRole('button', { name: 'Notify me' }).click()
    await page.getByRole('button', { name: 'Turn off' }).waitFor()
    const { approval_id: id } = await ask('Do you notice?')
    await expect
      .poll(() => page.evaluate<string[]>('window.shown.map(({ words }) => words)'))
      .toEqual(['A message waits for your approval: Support agent, to 1 recipient'])
    await page.evaluate("window.shown[0].notice.dispatchEvent(new Event('click'))")
    await isSeen(page, 'Do you notice?')
    expect(new URL(page.url()).searchParams.get('open')).toBe(id)
    expect((await agent(approvalsApi.getApproval, { params: { approval_id: id! } })).state).toBe('waiting')
  })

  test('what an agent asks for in its own program stands there live, is allowed or denied once, and goes when it is over elsewhere', async () => {
    const { open, person, run, accountId } = world
    const rights = { scopes: ['mail:read'], accounts: [accountId], allowed_addresses: [], expires_at: null }
    const { token } = await person(api.tokens.createToken, { body: { name: 'Claude on my desk', ...rights } })
    const { child, send, next } = startStdio(['--url', run.url, '--channel'], { RUSTYMAIL_TOKEN: token })
    send(hello)
    await next()
    const ask = (request_id: string, tool_name: string, input_preview: string) =>
      send({
        method: 'notifications/claude/channel/permission_request',
        params: { request_id, tool_name, description: 'Removes \u202ewhat was built', input_preview },
      })
    const answer = (request_id: string, behavior: string) => ({
      method: 'notifications/claude/channel/permission',
      params: { request_id, behavior },
    })
    const { page, expectQuiet } = await open('/approvals')
    await page.getByRole('status').getByText(/wait/).first().waitFor()
    const before = await page.locator('[data-prompt]').count()
    expect(before).toBe(0)
    const card = (tool: string) => page.locator('[data-prompt]').filter({ hasText: tool })
    const press = (name: string) => page.getByRole('button', { name })
    ask('abcde', 'Bash', '{"command":"rm -r build"}')
    await card('Bash').waitFor()
    const words = (await card('Bash').innerText()).replaceAll(/\s+/g, ' ')
    for (const each of [
      'Claude on my desk asks',
      'Removes \ufffdwhat was built',
      '{"command":"rm -r build"}',
      'Expires',
    ]) {
      expect(words).toContain(each)
    }
    await page.getByRole('link', { name: /Approvals.*waiting/ }).waitFor()
    // Only a press decides, whatever the page's keys.
    for (const key of ['a', 'd', 'e', 'Enter']) await page.keyboard.press(key)
    ask(
      'fghij',
      'WebFetch',
      JSON.stringify({ url: `https://example.org/${'long/'.repeat(120)}`, lines: '\n'.repeat(40) }),
    )
    await card('WebFetch').waitFor()
    expect(await card('Bash').count()).toBe(1)
    for (const scheme of ['light', 'dark'] as const) {
      await setScheme(page, scheme)
      for (const width of [320, 390, 1440]) {
        await page.setViewportSize({ width, height: 900 })
        await expectNothingClipped(page, `permission prompts, ${width}`)
        await expectAccessible(page, `permission prompts, ${width} ${scheme}`)
        if (width < 768) {
          const box = (await press('Allow once: WebFetch').boundingBox())!
          expect(Math.min(box.height, box.width)).toBeGreaterThanOrEqual(44)
        }
        await keepPicture(page, `permission-prompts-${scheme}-${width}`)
      }
    }
    // By keyboard: its input can be read, and a press decides it once, and nothing after it.
    await page.getByRole('region', { name: 'Input of Bash' }).focus()
    await page.keyboard.press('Tab')
    expect(await page.evaluate<string>('document.activeElement.ariaLabel')).toBe('Allow once: Bash')
    await page.keyboard.press('Enter')
    expect(await next()).toMatchObject(answer('abcde', 'allow'))
    await card('Bash').waitFor({ state: 'detached' })
    await page.keyboard.press('Enter')
    expect(await page.evaluate<string>('document.activeElement.id')).toBe('content')
    await press('Deny: WebFetch').click()
    expect(await next()).toMatchObject(answer('fghij', 'deny'))
    await card('WebFetch').waitFor({ state: 'detached' })
    // Two alike: the second one's button soon takes the first one's place, and a press there decides nothing.
    ask('uvwxy', 'Read', '{"file":"a"}')
    ask('zabcd', 'Read', '{"file":"b"}')
    await expect.poll(() => card('Read').count()).toBe(2)
    const isEnabled = (name: string) => press(name).first().isEnabled()
    await expect.poll(() => isEnabled('Allow once: Read')).toBe(true)
    expect(await page.evaluate<string>(pressTwice)).toBe('Allow once: Read')
    expect(await next()).toMatchObject(answer('uvwxy', 'allow'))
    const left = await person(api.permissionPrompts.listPermissionPrompts)
    expect(left.items.map(({ input_preview }) => input_preview)).toEqual(['{"file":"b"}'])
    await press('Deny: Read').click()
    expect(await next()).toMatchObject(answer('zabcd', 'deny'))
    await card('Read').waitFor({ state: 'detached' })
    // Decided on another page of the same user.
    ask('klmno', 'Write', '{"file":"a"}')
    await card('Write').waitFor()
    const { items } = await person(api.permissionPrompts.listPermissionPrompts)
    const params = { prompt_id: items[0]!.id }
    await person(api.permissionPrompts.decidePermissionPrompt, { params, body: { behavior: 'deny' } })
    await card('Write').waitFor({ state: 'detached' })
    expect(await next()).toMatchObject(answer('klmno', 'deny'))
    // The program ends, and its prompts with it.
    ask('pqrst', 'Edit', '{"file":"b"}')
    await card('Edit').waitFor()
    child.stdin.end()
    await card('Edit').waitFor({ state: 'detached' })
    expectQuiet()
  })

  test('with four eyes, one approval is counted and not enough', async () => {
    const { open, person, sink } = world
    const settings = { ...defaultApprovalSettings, approvers: 2 }
    await person(approvalsApi.setApprovalSettings, { body: settings })
    const before = sink.taken.length
    const { approval_id: id } = await ask('Two of you.')
    await person(approvalsApi.setApprovalSettings, { body: defaultApprovalSettings })
    const { page } = await open(`/approvals?open=${id}`)
    await isSeen(page, 'Two of you.')
    await page.keyboard.press('a')
    await page.getByText('1 of 2 approvals of different users.').waitFor()
    expect(sink.taken.length).toBe(before)
    expect(await approve(page).isDisabled()).toBe(true)
  })

  test.each([
    [320, 'dark'],
    [390, 'light'],
    [768, 'light'],
    [1440, 'dark'],
  ] as const)('at %i px with one thumb, %s: what is not on screen yet is not approved', async (width, scheme) => {
    const { open, person } = world
    const submission = await ask(`Only at ${width}.`)
    const { page } = await open('/approvals', { width, height: width < 768 ? 560 : 900 })
    await setScheme(page, scheme)
    await row(page, submission.approval_id!).waitFor()
    await expectNothingClipped(page, `approvals, ${width}`)
    await expectAccessible(page, `approvals, ${width}`)
    await row(page, submission.approval_id!).click()
    await frame(page).getByText(`Only at ${width}.`).waitFor()
    const read = page.getByRole('button', { name: /^Read it first/ })
    await read.or(approve(page)).waitFor()
    if (width < 768) {
      // It is below the window: the press scrolls to it, and approves nothing.
      await read.click()
      await approve(page).waitFor()
      const named = { params: { approval_id: submission.approval_id! } }
      expect((await person(approvalsApi.getApproval, named)).state).toBe('waiting')
      for (const name of [/^Deny/, /^Edit/, /^Approve/]) {
        const box = (await page.getByRole('button', { name }).boundingBox())!
        expect(Math.min(box.height, box.width)).toBeGreaterThanOrEqual(44)
        expect(box.y + box.height).toBeLessThanOrEqual(560)
      }
    }
    await keepPicture(page, `approval-${scheme}-${width}`)
    await expectNothingClipped(page, `an approval, ${width}`)
    await expectAccessible(page, `an approval, ${width}`)
    if (width >= 768) return
    // Once it is decided, the next one is within reach, but not in the same place.
    const decided = (await approve(page).boundingBox())!
    const back = (await page.getByRole('link', { name: 'All approvals' }).boundingBox())!
    const named = { params: { approval_id: submission.approval_id! } }
    await person(approvalsApi.deny, { ...named, body: { hash: submission.hash } })
    const next = page.getByRole('link', { name: 'Next one waiting' })
    await next.waitFor()
    const box = (await next.boundingBox())!
    expect(Math.min(box.height, back.height)).toBeGreaterThanOrEqual(44)
    expect(box.y + box.height).toBeLessThanOrEqual(560)
    expect(box.x + box.width).toBeLessThan(decided.x + decided.width / 2)
    await keepPicture(page, `approval-decided-${scheme}-${width}`)
    await next.click()
    await page.waitForURL(url => url.searchParams.get('open') !== submission.approval_id)
    await read.or(approve(page)).waitFor()
  })
})

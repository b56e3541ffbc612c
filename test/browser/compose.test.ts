/** Composing mail on the page: a reply with a file, autosaved, cancelled, and sent as it was written. */
import { createHash } from 'node:crypto'
import type { Page } from 'playwright-core'
import { beforeAll, describe, expect, test } from 'vitest'
import { approvalsApi, defaultApprovalSettings } from '../../contract/approvals.ts'
import { draftsApi } from '../../contract/drafts.ts'
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

  const window_ = (page: Page, name: string) => page.getByRole('region', { name, exact: true })
  const isSaved = (page: Page) =>
    page
      .getByRole('status')
      .filter({ hasText: /^Saved$/ })
      .waitFor()
  const openMessage = async (size?: { width?: number; height?: number }) => {
    const { accountId, messageRef, open } = world
    const visited = await open(`/mail?account=${accountId}&message=${messageRef}`, size)
    await visited.page.getByRole('article', { name: 'The open message' }).waitFor()
    return visited
  }
  const draftsOf = async () =>
    (await world.person(draftsApi.listDrafts, { params: { account_id: world.accountId } })).items

  test('an answer is begun by a key, keeps a file and survives a reload; taken back it is open again; sent, the server has its bytes', async () => {
    const { person, sink } = world
    await person(approvalsApi.setApprovalSettings, { body: { ...defaultApprovalSettings, undo_seconds: 120 } })
    const { page, expectQuiet } = await openMessage()
    await page.keyboard.press('r')
    const reply = window_(page, 'Reply')
    const text = reply.getByRole('textbox', { name: 'Text', exact: true })
    await text.waitFor()
    expect(await reply.getByRole('textbox', { name: 'Subject' }).inputValue()).toBe('Re: Lunch on Friday')
    await reply.getByRole('button', { name: 'Remove bob@example.org' }).waitFor()
    // A reply opens with its text focused.
    await expect.poll(() => text.evaluate('document.activeElement === document.querySelector("textarea")')).toBe(true)
    await page.keyboard.type('At **noon**, gladly.')
    const file = Buffer.from('the map of the place')
    await reply.getByLabel('Files to attach').setInputFiles({ name: 'map.txt', mimeType: 'text/plain', buffer: file })
    await reply.getByRole('button', { name: 'Remove map.txt' }).waitFor()
    await isSaved(page)
    await keepPicture(page, 'compose-light-1440')
    await expectAccessible(page, 'an answer')
    await page.reload()
    await expect.poll(() => text.inputValue()).toBe('At **noon**, gladly.')
    await reply.getByRole('button', { name: 'Remove map.txt' }).waitFor()
    await reply.getByRole('button', { name: 'Preview' }).click()
    const shown = page.frameLocator('iframe[title="The message as it will be sent"]')
    await shown.locator('strong').filter({ hasText: 'noon' }).waitFor()
    await shown.getByText('I know a good place.').waitFor()
    // By the default policy an agent would have to ask.
    await reply.getByRole('combobox', { name: /if a token sent this/ }).selectOption({ label: 'Support agent' })
    await reply.getByText('would need approval to send this.').waitFor()
    await expectAccessible(page, 'a preview')

    await page.keyboard.press('Control+Enter')
    await page.getByRole('button', { name: 'Undo' }).click()
    await text.waitFor()
    expect(await text.inputValue()).toBe('At **noon**, gladly.')
    expect(sink.taken).toEqual([])

    await person(approvalsApi.setApprovalSettings, { body: { ...defaultApprovalSettings, undo_seconds: 0 } })
    await reply.getByRole('button', { name: 'Send', exact: true }).click()
    await reply.waitFor({ state: 'hidden' })
    await expect.poll(() => sink.taken.length).toBe(1)
    const [taken] = sink.taken
    expect(taken!.to).toEqual(['bob@example.org'])
    const words = taken!.bytes.toString()
    expect(words).toContain('In-Reply-To: <lunch@example.org>')
    expect(words).toContain(file.toString('base64'))
    expect(taken!.sha256).toBe(createHash('sha256').update(taken!.bytes).digest('hex'))
    await page.getByRole('status').filter({ hasText: 'Sent' }).waitFor()
    expectQuiet()
  })

  test('what another wrote into the same draft is shown beside one’s own; both can stay', async () => {
    const { accountId, person } = world
    const { page } = await openMessage()
    await page.keyboard.press('f')
    const forward = window_(page, 'Forward')
    const text = forward.getByRole('textbox', { name: 'Text', exact: true })
    await text.fill('Mine.')
    const ours = async () => (await draftsOf()).find(({ mode }) => mode === 'forward')
    await expect.poll(async () => (await ours())?.body.content).toBe('Mine.')
    await isSaved(page)
    const draft = (await ours())!
    const params = { account_id: accountId, draft_id: draft.id }
    // The next save conflicts with another change; fields that only one of both changed are merged silently.
    let isFirst = true
    await page.route(/\/drafts\/[^/]+$/, async (route, request) => {
      if (request.method() !== 'PATCH' || !isFirst) return route.continue()
      isFirst = false
      const { rev } = await person(draftsApi.getDraft, { params })
      const body = { format: 'markdown', content: 'Of another.' }
      await person(draftsApi.changeDraft, { params, body: { rev, subject: 'Fwd: By another', body } })
      return route.continue()
    })
    await text.fill('Mine, longer.')
    const note = forward.getByRole('alert').filter({ hasText: 'changed this draft while you wrote' })
    await note.waitFor()
    expect(await note.innerText()).toContain('Of another.')
    expect(await text.inputValue()).toBe('Mine, longer.')
    expect(await forward.getByRole('textbox', { name: 'Subject' }).inputValue()).toBe('Fwd: By another')
    await expectAccessible(page, 'a conflict')
    await note.getByRole('button', { name: 'Keep both' }).click()
    await note.waitFor({ state: 'hidden' })
    await isSaved(page)
    const saved = await person(draftsApi.getDraft, { params })
    expect([saved.subject, saved.body.content]).toEqual(['Fwd: By another', 'Mine, longer.\n\nOf another.'])
    // Escape saves and closes; the draft is in the list beside the folders.
    await text.focus()
    await page.keyboard.press('Escape')
    await forward.waitFor({ state: 'hidden' })
    await page.getByRole('button', { name: /Fwd: By another/ }).click()
    await expect.poll(() => text.inputValue()).toBe('Mine, longer.\n\nOf another.')
  })

  test('recipients are chips: completed, pasted, and what is no address holds the message back', async () => {
    const { accountId, person } = world
    const identity = await person(draftsApi.getSignature, { params: { account_id: accountId } })
    const { format, content, from_name } = identity
    await person(draftsApi.setSignature, {
      params: { account_id: accountId },
      body: { format, content, from_name, aliases: ['Sales <sales@example.org>'] },
    })
    const { page } = await openMessage()
    await page.keyboard.press('c')
    const message = window_(page, 'New message')
    const to = message.getByRole('combobox', { name: 'To' })
    await to.fill('bo')
    await page.getByRole('option', { name: /bob@example\.org/ }).waitFor()
    await expectAccessible(page, 'people offered')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    await message.getByRole('button', { name: 'Remove bob@example.org' }).waitFor()
    await to.fill('nobody')
    await page.keyboard.press(',')
    await message.getByRole('status').filter({ hasText: 'nobody is not an address.' }).waitFor()
    expect(await message.getByRole('button', { name: 'Send', exact: true }).isDisabled()).toBe(true)
    await message.getByRole('button', { name: 'Remove nobody' }).click()
    await expect.poll(() => message.getByRole('button', { name: 'Send', exact: true }).isDisabled()).toBe(false)
    // It is sent from an alias of the account, and the server has that.
    await message.getByRole('combobox', { name: 'From' }).selectOption('sales@example.org')
    // The account has no signature to add.
    expect(await message.getByRole('checkbox', { name: 'Add the signature' }).count()).toBe(0)
    await message.getByRole('textbox', { name: 'Subject' }).fill('From sales')
    const fromOf = async () => (await draftsOf()).find(({ subject }) => subject === 'From sales')?.from
    await expect.poll(async () => (await fromOf())?.email).toBe('sales@example.org')
    expect((await fromOf())?.name).toBe('Sales')
    const count = (await draftsOf()).length
    await message.getByRole('button', { name: 'Discard the draft' }).click()
    await message.waitFor({ state: 'hidden' })
    await expect.poll(async () => (await draftsOf()).length).toBe(count - 1)
    // Closed empty, a new message leaves no draft.
    await page.keyboard.press('c')
    await message.waitFor()
    await message.getByRole('combobox', { name: 'To' }).press('Escape')
    await message.waitFor({ state: 'hidden' })
    await expect.poll(async () => (await draftsOf()).length).toBe(count - 1)
  })

  test.each([
    [320, 'dark'],
    [390, 'light'],
    [768, 'dark'],
  ] as const)('at %i px the window of a message is whole, %s', async (width, scheme) => {
    // However long its names are.
    const aliases = ['Quarterly correspondence <a-really-long-name@correspondence.of.the.department.example.org>']
    const body = { format: 'markdown', content: 'Alice', aliases } as const
    await world.person(draftsApi.setSignature, { params: { account_id: world.accountId }, body })
    const { page } = await openMessage({ width, height: 700 })
    await setScheme(page, scheme)
    await page.getByRole('button', { name: 'Reply', exact: true }).click()
    const reply = window_(page, 'Reply')
    await reply.getByRole('combobox', { name: 'From' }).waitFor()
    await reply.getByRole('checkbox', { name: 'Add the signature' }).waitFor()
    await reply.getByRole('textbox', { name: 'Text', exact: true }).waitFor()
    await expectNothingClipped(page, `compose, ${width}`)
    await expectAccessible(page, `compose, ${width}`)
    await keepPicture(page, `compose-${scheme}-${width}`)
    const send = (await reply.getByRole('button', { name: 'Send', exact: true }).boundingBox())!
    if (width < 768) expect(send.height).toBeGreaterThanOrEqual(44)
    await reply.getByRole('button', { name: 'Save and close (Esc)' }).click()
    await reply.waitFor({ state: 'hidden' })
  })
})

/** The Changes page with a real mail server: operations, their results, and undo of one or all since a time. */
import type { Browser } from 'playwright-core'
import { beforeAll, describe, expect, test } from 'vitest'
import { api } from '../../contract/index.ts'
import type { Operation } from '../../contract/operations.ts'
import { expectAccessible, expectNothingClipped, keepPicture, launchBrowser, setScheme } from '../support/browser.ts'
import { type OrganisedMailbox, startOrganisedMailbox } from '../support/organised-mailbox.ts'
import { available } from '../support/require.ts'

const hasAll = [available('chromium'), available('dovecot')].every(Boolean)

describe.skipIf(!hasAll)('in Chromium, on Dovecot', () => {
  let browser: Browser
  let box: OrganisedMailbox
  /** The principal that its operations record. */
  let principal: string
  /** Ids of all messages by subject; they do not change. */
  let ids: ReadonlyMap<string, string>
  /** Changes messages with an agent's token. */
  let agent: (body: object, session?: string) => Promise<Operation>

  beforeAll(async () => {
    browser = await launchBrowser()
    box = await startOrganisedMailbox(browser, 8)
    return async () => {
      await browser.close()
      await box.stop()
    }
  })

  const settled = (id: string) =>
    expect.poll(async () => (await box.run.call(api.operations.getOperation, { params: { operation_id: id } })).state)

  /** Returns the ids of INBOX by subject. */
  async function idsOf(): Promise<Map<string, string>> {
    const params = { account_id: box.accountId }
    const { items } = await box.run.call(api.mail.listMessages, { params, query: { limit: '100' } })
    return new Map(items.map(({ subject, id }) => [subject, id!]))
  }

  test('an agent’s changes appear live; one is undone after its list was seen', async () => {
    const { page, expectQuiet } = await box.open('/changes')
    await page.getByText('No changes yet').waitFor()
    ids = await idsOf()
    const [one, two] = [ids.get('Note 1')!, ids.get('Note 2')!]
    const looked = await box.run.call(api.mailIndex.listMessagesById, {
      params: { account_id: box.accountId },
      query: { ids: [two, 'A'.repeat(20), one].join() },
    })
    expect(looked.items.map(({ subject, folders }) => [subject, folders])).toEqual([
      ['Note 2', ['INBOX']],
      ['Note 1', ['INBOX']],
    ])
    const made = await page.evaluate<{ token: string; info: { id: string } }>(
      `fetch('/api/dashboard/tokens', { method: 'POST', headers: { 'content-type': 'application/json' }, body: ${JSON.stringify(
        JSON.stringify({
          name: 'Sorting agent',
          scopes: ['mail:organize'],
          accounts: [box.accountId],
          expires_at: null,
          allowed_addresses: [],
        }),
      )} }).then(answer => answer.json())`,
    )
    principal = `token-${made.info.id}`
    agent = async (body, session) => {
      const answer = await fetch(`${box.run.url}/api/v1/accounts/${box.accountId}/messages/actions`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${made.token}`,
          'content-type': 'application/json',
          ...(session !== undefined && { 'rustymail-session': session }),
        },
        body: JSON.stringify(body),
      })
      expect(answer.status).toBe(202)
      return answer.json() as Promise<Operation>
    }
    const named = (...subjects: string[]) => subjects.map(subject => ids.get(subject)!)
    const moved = await agent({ ids: named('Note 1', 'Note 2', 'Note 3'), move_to: { role: 'trash' } })
    await settled(moved.id).toBe('done')
    const starred = await agent({ ids: [...named('Note 4'), 'A'.repeat(20)], add: ['flagged'] })
    await settled(starred.id).toBe('partial')
    const row = page.getByRole('row').filter({ hasText: 'Add star: 2 messages' })
    await row.getByText('Partly done').waitFor()
    await row.getByText('1 of 2 done, 1 failed').first().waitFor()
    expect(await row.innerText()).toContain('Sorting agent')
    await page.getByRole('button', { name: 'Messages: Add star: 2 messages' }).click()
    const details = page.getByRole('dialog', { name: 'Add star: 2 messages' })
    await details.getByText('There is no such message in this account.').waitFor()
    await expectAccessible(page, 'one change')
    await keepPicture(page, 'changes-one-light-1440')
    await details.getByRole('link', { name: 'Note 4' }).waitFor()
    await page.keyboard.press('Escape')

    // Another mail program removes one of them meanwhile.
    await box.imap.run('SELECT Trash')
    await box.imap.run('STORE 1 +FLAGS (\\Deleted)')
    await box.imap.run('EXPUNGE')
    await page.getByRole('button', { name: 'Undo: Move 3 messages to Trash' }).click()
    const undo = page.getByRole('dialog', { name: 'Undo: Move 3 messages to Trash' })
    const groups = undo.getByRole('list', { name: 'What would change' }).locator(':scope > li')
    await expect.poll(() => groups.count()).toBe(2)
    expect(await groups.nth(0).innerText()).toMatch(/Will change\s+Move back to INBOX: 2 messages/)
    // Until the subjects are read, the links are numbered.
    await expect.poll(() => groups.nth(0).getByRole('link').allInnerTexts()).toEqual(['Note 2', 'Note 3'])
    expect(await groups.nth(1).innerText()).toMatch(/Conflict.*\s+1 message\s+The message no longer exists\./)
    expect(await box.subjectsIn('Trash')).toEqual(['Note 2', 'Note 3'])
    for (const scheme of ['light', 'dark'] as const) {
      await setScheme(page, scheme)
      await expectAccessible(page, `what an undo would change, ${scheme}`)
      await keepPicture(page, `changes-undo-${scheme}-1440`)
    }
    await undo.getByRole('button', { name: 'Undo 2 changes' }).click()
    await undo.waitFor({ state: 'hidden' })
    await expect.poll(() => box.subjectsIn('Trash')).toEqual([])
    await page
      .getByRole('row')
      .filter({ hasText: 'Move 2 messages back to INBOX' })
      .getByText('Done', { exact: true })
      .waitFor()
    await page
      .getByRole('row')
      .filter({ hasText: 'Move 3 messages to Trash' })
      .getByText('Undone', { exact: true })
      .waitFor()
    expectQuiet()
  })

  test('from the token’s row, all that it did since a time is listed and undone', async () => {
    const moved = await agent({ ids: [ids.get('Note 5')!, ids.get('Note 6')!], move_to: { role: 'archive' } })
    await settled(moved.id).toBe('done')
    const labelled = await agent({ ids: [ids.get('Note 7')!], add: ['urgent'] })
    await settled(labelled.id).toBe('done')
    const { page, expectQuiet } = await box.open('/tokens')
    await page.getByRole('button', { name: 'More: Sorting agent' }).click()
    await page.getByRole('button', { name: 'Undo what it did' }).click()
    const ask = page.getByRole('dialog', { name: 'Undo everything since…' })
    expect(await ask.getByRole('combobox', { name: 'Whose changes' }).inputValue()).toBe(principal)
    await expectAccessible(page, 'since when')
    await ask.getByRole('button', { name: 'Last day' }).click()
    await ask.getByRole('button', { name: 'Show what would change' }).click()
    const undo = page.getByRole('dialog', { name: /^Undo what Sorting agent did since/ })
    await undo.getByText('Move back to INBOX: ').waitFor()
    await undo.getByText('Remove urgent: ').waitFor()
    await undo.getByText('Remove star: ').waitFor()
    await undo.getByText('4 changes, newest first').waitFor()
    await keepPicture(page, 'changes-since-light-1440')
    await page.setViewportSize({ width: 320, height: 800 })
    await expectNothingClipped(page, 'what an undo would change, 320')
    await keepPicture(page, 'changes-since-light-320')
    await undo.getByRole('button', { name: 'Undo 4 changes' }).click()
    await undo.waitFor({ state: 'hidden' })
    await expect.poll(() => box.subjectsIn('Archive')).toEqual([])
    await box.imap.run('EXAMINE INBOX')
    await expect.poll(() => box.imap.run('SEARCH OR FLAGGED KEYWORD urgent')).toMatch(/SEARCH\r/)
    expectQuiet()
  })

  test('where there is more, older changes are listed once these are undone', async () => {
    const older = await agent({ ids: [ids.get('Note 8')!], move_to: { role: 'archive' } })
    await settled(older.id).toBe('done')
    const newer = await agent({ ids: [ids.get('Note 4')!], add: ['later'] })
    await settled(newer.id).toBe('done')
    const { page } = await box.open(`/changes?principal=${principal}&undo=since`)
    // Makes a response hold only the newest operation.
    await page.route('**/api/v1/operations/undo', async route => {
      const body = route.request().postDataJSON()
      if (body.before !== undefined) return route.continue()
      const answer = await route.fetch()
      const report = await answer.json()
      return route.fulfill({ response: answer, json: { ...report, undone: report.undone.slice(0, 1), has_more: true } })
    })
    await page.getByRole('button', { name: 'Show what would change' }).click()
    const undo = page.getByRole('dialog', { name: /^Undo what Sorting agent did since/ })
    await undo.getByText('There are older changes.').waitFor()
    await undo.getByRole('button', { name: 'Undo 1 change', exact: true }).click()
    await undo.getByText('Undone: 1. There are older changes.').waitFor()
    await undo.getByRole('button', { name: 'Look at older changes' }).click()
    await undo.getByText('Nothing has been changed yet.').waitFor()
    await expect.poll(() => box.subjectsIn('Archive')).toEqual([])
  })

  test('a session of the agent is shown alone, and undone after its list was seen', async () => {
    const first = await agent({ ids: [ids.get('Note 8')!], move_to: { role: 'archive' } }, 'run-of-monday')
    await settled(first.id).toBe('done')
    const second = await agent({ ids: [ids.get('Note 7')!], add: ['flagged'] }, 'run-of-tuesday')
    await settled(second.id).toBe('done')
    const { page, expectQuiet } = await box.open('/changes')
    await page.getByRole('button', { name: 'Session run-of-monday' }).click()
    await page.getByRole('combobox', { name: 'Session' }).waitFor()
    const rows = page.getByRole('row').filter({ has: page.getByRole('cell') })
    await expect.poll(() => rows.count()).toBe(1)
    await page.getByRole('button', { name: 'Undo this session…' }).click()
    const undo = page.getByRole('dialog', { name: 'Undo the session run-of-monday' })
    await undo.getByText('Move back to INBOX: ').waitFor()
    await expectAccessible(page, 'what undoing a session would change')
    await undo.getByRole('button', { name: 'Undo 1 change', exact: true }).click()
    await undo.waitFor({ state: 'hidden' })
    await expect.poll(() => box.subjectsIn('Archive')).toEqual([])
    expectQuiet()
  })

  test('the list is narrowed by caller, account and state, in the address; nothing is clipped on narrow windows', async () => {
    const { page, expectQuiet } = await box.open('/changes')
    const rows = page.getByRole('row').filter({ has: page.getByRole('cell') })
    await expect.poll(() => rows.count()).toBe(15)
    await page.getByRole('combobox', { name: 'State' }).selectOption('partial')
    await expect.poll(() => rows.count()).toBe(1)
    await page.getByRole('button', { name: 'Clear' }).click()
    await page.getByRole('combobox', { name: 'By' }).selectOption(principal)
    await expect.poll(() => rows.count()).toBe(8)
    expect(new URL(page.url()).searchParams.get('principal')).toBe(principal)
    for (const width of [320, 390, 768, 1024, 1440]) {
      await page.setViewportSize({ width, height: 900 })
      await expectNothingClipped(page, `changes ${width}`)
      for (const scheme of ['light', 'dark'] as const) {
        await setScheme(page, scheme)
        if (width !== 1024) await expectAccessible(page, `changes ${width} ${scheme}`)
        await keepPicture(page, `changes-${scheme}-${width}`)
      }
    }
    expectQuiet()
  })
})

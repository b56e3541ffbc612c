/** Agents supervised by a user: connected, seen live, stopped; and the playground, which is one of them. */
import type { Browser, Page } from 'playwright-core'
import { beforeEach, describe, expect, test } from 'vitest'
import { api } from '../../contract/index.ts'
import { expectAccessible, expectNothingClipped, keepPicture, setScheme, visit } from '../support/browser.ts'
import { startBrowserDemo } from '../support/browser-demo.ts'
import { callTool, connectMcp } from '../support/mcp-client.ts'
import { available } from '../support/require.ts'
import type { Served } from '../support/rustymail.ts'
import type { SignedIn } from '../support/signed-in.ts'

describe.skipIf(!available('chromium'))('in Chromium', () => {
  let run: Served
  let browser: Browser
  let storageState: SignedIn

  // A server for each test, since the first one shows a server without agents.
  beforeEach(async () => {
    const demo = await startBrowserDemo()
    ;({ run, browser, storageState } = demo)
    return demo.stop
  })

  const open = async (path: string, width = 1440) => visit(browser, run.url + path, { width, storageState })
  const lane = (page: Page) => page.getByRole('list', { name: 'Calls' }).getByRole('listitem')
  const peers = (page: Page) => page.getByRole('table', { name: 'Agents' }).getByRole('row')
  /** Checks the page in every width and scheme. */
  const look = async (page: Page, name: string) => {
    for (const scheme of ['light', 'dark'] as const) {
      await setScheme(page, scheme)
      for (const width of [390, 1440]) {
        await page.setViewportSize({ width, height: 900 })
        await expectNothingClipped(page, `${name} ${width}`)
        await expectAccessible(page, `${name} ${width} ${scheme}`)
        await keepPicture(page, `${name}-${scheme}-${width}`, { fullPage: true })
      }
    }
    await setScheme(page, 'light')
  }

  test('a token is made for an agent, its first call is waited for, and from then on it is seen live and can be stopped', async () => {
    const { page, expectQuiet } = await open('/agents')
    await page.getByText('No agents since the server started').waitFor()
    await look(page, 'agents-empty')
    await page.getByRole('button', { name: 'Connect an agent' }).first().click()
    const form = page.getByRole('dialog', { name: 'Create a token' })
    await form.getByLabel('Name').fill('Inbox assistant')
    await form.getByRole('button', { name: 'Create the token' }).click()
    const made = page.getByRole('dialog', { name: 'Token created' })
    const secret = await made.getByLabel('Secret of Inbox assistant').inputValue()
    await made.getByText('Waiting for its first call …').waitFor()
    await made.getByRole('button', { name: 'VS Code' }).click()
    await made.getByText('.vscode/mcp.json').waitFor()
    await look(page, 'agents-waiting')
    const proof = { authorization: `Bearer ${secret}` }
    const client = await connectMcp(run.url, proof)
    await client.listTools()
    await made.getByText('test is here; waiting for its first call …').waitFor()
    const found = await callTool(client, 'mail_search', { q: 'in:INBOX' })
    const hits = found.value.hits as { ref: string; subject: string }[]
    await made.getByText('It called').waitFor()
    await made.getByRole('button', { name: 'I have copied it' }).click()
    // The form in which the button was pressed is gone; the focus returns to what opened it, or to its twin.
    await expect.poll(() => page.evaluate('document.activeElement.innerText')).toBe('Connect an agent')

    await expect.poll(() => lane(page).count()).toBe(1)
    const [first] = hits
    await callTool(client, 'mail_read', { refs: [first!.ref] })
    const read = lane(page).first()
    await read.getByText('mail_read').waitFor()
    const row = (await read.innerText()).replaceAll(/\s+/g, ' ')
    expect(row).toContain('Inbox assistant')
    expect(row).toContain(first!.subject)
    const peer = peers(page).filter({ hasText: 'Inbox assistant' })
    const said = async () => (await peer.innerText()).replaceAll(/\s+/g, ' ')
    // The calls and the table are distinguished.
    for (const words of ['test 1.0.0', '2026-07-28', 'Streamable HTTP', 'mail_read']) {
      await expect.poll(said).toContain(words)
    }
    await peer.getByText('by 2 tools').click()
    await peer.getByRole('listitem').filter({ hasText: 'mail_search' }).getByText('1 call').waitFor()
    await look(page, 'agents')

    const stream = await client.listen({ toolsListChanged: true })
    await peer.getByText('Listening').waitFor()
    await peer.getByRole('button', { name: 'Disconnect: test of Inbox assistant' }).click()
    const disconnect = page.getByRole('dialog', { name: 'Disconnect test?' })
    await disconnect.getByText('Its 1 stream closes.').waitFor()
    await disconnect.getByRole('button', { name: 'Disconnect' }).click()
    expect(await stream.closed).toBe('graceful')
    await disconnect.waitFor({ state: 'hidden' })
    await peer.getByText('Idle').waitFor()
    await peer.getByRole('button', { name: 'Undo what it did: test of Inbox assistant' }).click()
    const undo = page.getByRole('dialog', { name: 'Undo everything since' })
    await expect.poll(() => undo.locator('option:checked').allInnerTexts()).toContain('Inbox assistant (token)')
    await page.goBack()

    await peer.getByRole('button', { name: 'Stop: test of Inbox assistant' }).click()
    const stop = page.getByRole('dialog', { name: 'Stop Inbox assistant?' })
    await stop.getByRole('radio', { name: 'Stops, too' }).check()
    await stop.getByRole('button', { name: 'Stop now' }).click()
    await peer.getByText('Stopped', { exact: true }).waitFor()
    expect(
      (await callTool(client, 'mail_search', { q: 'in:INBOX' }).catch((error: unknown) => ({ isError: true, error })))
        .isError,
    ).toBe(true)
    await page.getByRole('button', { name: 'Lift the stop' }).click()
    await peer.getByText('Stopped', { exact: true }).waitFor({ state: 'hidden' })
    expect((await callTool(client, 'mail_search', { q: 'in:INBOX' })).isError).toBe(false)

    await page.goto(`${run.url}/`)
    await lane(page).first().getByText('mail_search').waitFor()
    await look(page, 'overview-agents')
    await page.goto(`${run.url}/agents`)
    await peer.getByRole('button', { name: 'Revoke: test of Inbox assistant' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click()
    await page.getByRole('dialog').waitFor({ state: 'hidden' })
    await expect(callTool(client, 'mail_search', { q: 'in:INBOX' })).rejects.toThrow()
    expectQuiet()
  })

  test('the playground lists, asks for what a tool takes, calls it, shows every frame, and leaves no token behind', async () => {
    const { page, expectQuiet } = await open('/agents/playground')
    // The only account is checked once it is known; what loads before it moves the button.
    await expect.poll(() => page.getByRole('checkbox', { name: 'Sandbox' }).isChecked()).toBe(true)
    await page.getByRole('button', { name: 'Connect' }).click()
    await page.getByText(/MCP 2026-07-28/).waitFor()
    const tools = page.getByRole('list', { name: 'Tools' })
    await tools.getByRole('button', { name: /^mail_search/ }).click()
    await page.getByLabel(/^limit/).fill('2.5')
    await page.getByRole('button', { name: 'Call', exact: true }).click()
    await page.getByText('Not a whole number.').waitFor()
    await page.getByText('This is required.').waitFor()
    await page.getByLabel(/^limit/).fill('2')
    await page.getByLabel('q', { exact: true }).fill('in:INBOX')
    await page.getByRole('button', { name: 'Call', exact: true }).click()
    const answer = page.getByRole('region', { name: 'Answer' })
    await answer.getByText('"hits"').waitFor()
    const { hits } = JSON.parse(await answer.innerText()) as { hits: { ref: string }[] }
    expect(hits).toHaveLength(2)
    await look(page, 'playground')
    await tools.getByRole('button', { name: /^mail_read/ }).click()
    await page.getByLabel('refs').fill(`${hits[0]!.ref.slice(0, -4)}AAAA`)
    await page.getByRole('button', { name: 'Call', exact: true }).click()
    await page.getByText('Error', { exact: true }).or(page.getByText('failed')).first().waitFor()
    const frames = page.getByRole('list', { name: 'Frames' })
    await frames
      .getByText(/^tools\/call/)
      .first()
      .click()
    await frames.locator('details[open]').getByText('"name": "mail_read"').waitFor()
    const names = async () => (await run.call(api.tokens.listTokens)).items.map(({ name }) => name)
    expect(await names()).toContain('Playground')
    await page.getByRole('button', { name: 'End' }).click()
    await page.getByRole('button', { name: 'Connect' }).waitFor()
    await expect.poll(names).not.toContain('Playground')
    expectQuiet()
  })
})
